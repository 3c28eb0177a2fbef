"""Proxies, as the environment names them: never between us and this machine, and none that nobody can use."""

import os
from importlib.util import find_spec
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from flows.masking import without_passwords
from footfall.errors import EnvironmentProblem

HERE = ("127.0.0.1", "localhost", "::1", "169.254.169.254", "metadata.google.internal")  # the last two: who we are
SOCKS = ("socksio", "socks")  # what httpx and requests need for such a proxy


def settle_proxies() -> None:
    """Let this process and its children reach this machine past every proxy; refuse one that no request can go through.

    Raises
    ------
    EnvironmentProblem
        If one is no address, or of a kind that what is installed does not know.
    """
    bypassed = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    if bypassed.strip() == "*":  # no proxy at all; some programs read that only where it stands alone
        return
    hosts = dict.fromkeys([*filter(None, map(str.strip, bypassed.split(","))), *HERE])
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(hosts)  # some programs read only one of the two
    for kind in ("http", "https", "all"):
        if (address := _address(getproxies_environment().get(kind))) and (reason := _unusable(address)):
            advice = "Correct it or unset it: this machine's own servers are asked past every proxy"
            raise EnvironmentProblem(f"{kind.upper()}_PROXY is {without_passwords(address)[:200]}: {reason}. {advice}.")


def by_way_of(url: str) -> str:
    """The proxy that an address is asked through, for a sentence about what did not come from there; else empty."""
    proxies, parts = getproxies_environment(), urlsplit(url)
    address = _address(proxies.get(parts.scheme) or proxies.get("all"))
    if not address or not parts.hostname or proxy_bypass(parts.hostname):
        return ""
    return f" (through the proxy {without_passwords(address)})"


def _address(proxy: str | None) -> str:
    """As all clients read it: a host alone speaks HTTP."""
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy or ""


def _unusable(address: str) -> str:
    import httpx  # the strictest reader of these; whoever names no proxy need not wait for its import

    try:
        url, _ = httpx.Proxy(address).url, urlsplit(address).port
    except (ValueError, httpx.InvalidURL) as error:
        return without_passwords(str(error))
    if url.scheme.startswith("socks") and not all(map(find_spec, SOCKS)):
        return "such a proxy needs pip install 'httpx[socks]' 'requests[socks]'"
    return "" if url.host else "it names no host"
