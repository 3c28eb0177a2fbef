"""A market of one's own from a file: what cannot be known is asked or said, and what is written runs."""

import contextlib
import datetime as dt
import os
import re
from pathlib import Path

import pandas as pd
import pytest
from babel.dates import get_month_names
from conftest import footfall

from flows.authoring import new
from flows.sources.reading import read_source
from footfall.errors import UsageProblem
from footfall.market_file import read_market
from footfall.selection import select
from footfall.sources import sniff

DATA = Path(os.environ.get("FOOTFALL_DATA", Path(__file__).parents[2] / "../shared/data")).resolve()

GUESTS, FORMS = (
    ("--measure-en", "guest, guests", "--measure-pt", "clientes"),
    {"en": ["guest", "guests"], "pt": "clientes"},
)


@pytest.fixture(autouse=True)
def params(tmp_path, monkeypatch):
    folder = tmp_path / "params"
    folder.mkdir()
    monkeypatch.setenv("FOOTFALL_PARAMS", str(folder))
    return folder


@pytest.fixture
def till(tmp_path):
    def write(text, name="till.csv"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def shared(name):
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not there; FOOTFALL_DATA names the folder that has it")
    return str(DATA / name)


def recent(days=60, form="%Y-%m-%d", value=lambda day: 100 + day.dayofweek):
    last = pd.Timestamp(dt.date.today()) - pd.Timedelta(days=1)
    return [(f"{day:{form}}", value(day)) for day in pd.date_range(end=last, periods=days)]


def series(params, market):
    data = read_market(params, market).data
    return data, read_source(data).series


def test_date_and_covers_need_only_a_place(params, till):
    path = till("date,covers\n" + "".join(f"{day},{n}\n" for day, n in recent()))
    done = footfall("new", "tasca", path)
    assert done.exit_code == 2 and "--location" in done.output and not list(params.iterdir())
    done = footfall("new", "tasca", path, "--location", "PT-11", "--name", "Tasca da Sé", *GUESTS)
    assert done.exit_code == 0, done.output
    assert "next: footfall run tasca" in done.output and "60 days from" in done.output
    data, table = series(params, "tasca")
    assert (data.unit, data.location, data.lag, data.as_of) == ("counts", "PT-11", 1, None)
    assert (data.name, data.measure, data.timezone) == ("Tasca da Sé", FORMS, "Europe/Lisbon")
    assert len(table) == 60


def test_a_file_that_is_there_is_never_overwritten(params, till):
    path = till("date,covers\n" + "".join(f"{day},{n}\n" for day, n in recent()))
    (params / "tasca.yaml").write_text("mine\n")
    done = footfall("new", "tasca", path, "--location", "PT")
    assert done.exit_code == 2 and "is in params/ already" in done.output
    assert (params / "tasca.yaml").read_text() == "mine\n"


@pytest.mark.parametrize("name", ["ledger", "snapshots", "..", "con", "Tasca", "a b", "café"])
def test_a_name_that_no_market_can_have_is_refused(params, till, name):
    done = footfall("new", name, till("date,covers\n2025-01-01,1\n"), "--location", "PT")
    assert done.exit_code == 2 and "cannot be a market's name" in done.output


def test_a_name_that_another_market_has_but_for_its_dashes_is_refused(params, till):
    (params / "tasca_1.yaml").write_text("mine\n")
    done = footfall("new", "tasca-1", till("date,covers\n2025-01-01,1\n"), "--location", "PT")
    assert done.exit_code == 2 and "tasca_1.yaml is in params/" in done.output
    assert [path.name for path in params.iterdir()] == ["tasca_1.yaml"]


def test_a_date_that_can_be_read_in_two_ways_is_never_guessed(params, till):
    path = till("Data;Pessoas\n" + "".join(f"{day}/{month}/2025;{day}\n" for month in (1, 2) for day in range(1, 13)))
    done = footfall("new", "tasca", path)
    assert done.exit_code == 2 and "--dates (%d/%m/%Y, %m/%d/%Y)" in done.output
    assert "--location" in done.output, "all that is to be said is told at once"
    done = footfall("new", "tasca", path, "--location", "PT", "--dates", "%d/%m/%Y")
    assert done.exit_code == 0, done.output
    data, table = series(params, "tasca")
    assert data.as_of == "2025-02-13" and "leave this line out" in (params / "tasca.yaml").read_text()
    assert table["date"].max() == pd.Timestamp("2025-02-12")


def test_where_no_column_looks_like_dates_it_is_asked_which_one_is(params, till):
    path = till("Time,Guests\n" + "".join(f"2026-08-{day:02} 24:00,10{day % 7}\n" for day in range(1, 29)))
    done = footfall("new", "tasca", path, "--location", "PT-11")
    assert done.exit_code == 2 and "Which column is the date: --date (Time, Guests)" in done.output, done.output
    given = ["--date", "Time", "--dates", "%Y-%m-%d %H:%M", "--hour", "Time"]
    done = footfall("new", "tasca", path, "--location", "PT-11", *given)
    assert done.exit_code == 2 and "'Time' is named twice" in done.output, done.output


def test_one_day_after_the_12th_tells_day_from_month(params, till):
    rows = "".join(f'{day},"{n},5"\n' for day, n in recent(form="%d/%m/%Y"))
    done = footfall("new", "tasca", till("Data,Pessoas\n" + rows), "--location", "PT")
    assert done.exit_code == 0, done.output
    data, _ = series(params, "tasca")
    assert (data.dates, data.decimal, data.columns.date, data.columns.value) == ("%d/%m/%Y", ",", "Data", "Pessoas")


def test_thousands_or_decimals_are_asked_where_both_fit(params, till):
    path = till("date,covers\n" + "".join(f"{day},1.{n}\n" for day, n in recent()))
    done = footfall("new", "tasca", path, "--location", "PT")
    assert done.exit_code == 2 and "--decimal (., ,)" in done.output
    assert footfall("new", "tasca", path, "--location", "PT", "--decimal", ",").exit_code == 0
    assert series(params, "tasca")[1]["value"].min() == 1100


def test_hostile_names_of_columns_are_written_so_that_they_are_read_again(params, till):
    value = "n\x85: {a} # 'b' ü"
    path = till(f"date;{value}\n" + "".join(f"{day};{n}\n" for day, n in recent()))
    done = footfall("new", "tasca", path, "--location", "PT", "--name", "b: [ # x", "--measure-de", "Gäste")
    assert done.exit_code == 0, done.output
    data, table = series(params, "tasca")
    assert (data.columns.value, data.name, data.measure) == (value, "b: [ # x", {"de": "Gäste"}) and len(table) == 60


def test_a_person_is_asked_and_may_answer_by_number(params, till):
    asked = []

    def ask(question, choices, default):
        asked.append(question)
        answers = {"--value": "female", "--location": "PT", "--dates": "%d/%m/%Y"}
        return next(answer for option, answer in answers.items() if option in question)

    path = till("date,all,female\n" + "".join(f"{day}/2/2025,{2 * day},{day}\n" for day in range(1, 13)))
    draft = new.draft("shop", path, new.Answers(), ask)
    assert len(asked) == 3 and "female" in draft.text
    assert not list(params.iterdir()), "nothing is written before it is all understood"


def test_several_sites_are_one_market_or_that_of_the_one_that_is_chosen(params, till):
    rows = "".join(f"{day},{site},{n}\n" for day, n in recent() for site in ("Baixa", "São João/Sé"))
    path = till("date,site,n\n" + rows)
    done = footfall("new", "tasca", path, "--location", "PT-11")
    assert done.exit_code == 0, done.output
    data, table = series(params, "tasca")
    assert (data.location, data.series) == ("PT-11", "all")
    assert set(table["location"]) == {"PT-11/Baixa", "PT-11/São João%2FSé"}
    done = footfall("new", "one", path, "--location", "PT-11", "--site-name", "Baixa")
    assert done.exit_code == 0 and series(params, "one")[0].location == "PT-11/Baixa"
    assert footfall("new", "two", path, "--location", "PT-11", "--site-name", "Porto").exit_code == 2


SHOPS = {
    "codes": ("loja", [("1",), ("2",), ("3",)]),
    "a name and an address": ("loja,morada", [("Baixa", "Rua A"), ("Foz", "Rua B"), ("Sé", "Rua C")]),
    "a name and a code": ("loja,codigo", [("Baixa", "101"), ("Foz", "102"), ("Sé", "103")]),
}


@pytest.mark.parametrize("kind", SHOPS)
def test_shops_are_told_apart_by_codes_and_by_either_of_two_columns(params, till, kind):
    header, shops = SHOPS[kind]
    rows = "".join(f"{day},{','.join(shop)},{50 + n}\n" for day, n in recent() for shop in shops)
    done = footfall(
        "new", "tasca", till(f"data,{header},clientes\n" + rows), "--location", "PT-11", "--value", "clientes"
    )
    assert done.exit_code == 0, done.output
    data, table = series(params, "tasca")
    assert data.columns.site == "loja" and data.rows == "days" and table["location"].nunique() == len(shops)


def test_parts_of_a_place_are_summed_where_it_is_said_that_they_are_no_sites(params, till):
    rows = "".join(f"{day},{part},50\n" for day, _ in recent() for part in ("Sala", "Esplanada", "Esplanada"))
    path = till("data,zona,clientes\n" + rows)
    done = footfall("new", "tasca", path, "--location", "PT-11")
    assert (
        done.exit_code == 2
        and "Which column names the site, none where all are of one: --site (zona, none)" in done.output
    )
    done = footfall("new", "tasca", path, "--location", "PT-11", "--site", "none")
    assert done.exit_code == 0, done.output
    assert series(params, "tasca")[1]["value"].tolist() == [150] * 60


def test_rows_of_the_night_are_asked_about_where_nobody_is_there_to_ask(params, till):
    rows = "".join(f"{day} {hour:02}:30,1\n" for day, _ in recent() for hour in (0, 12, 20, 23))
    done = footfall("new", "tasca", till("when,amount\n" + rows), "--location", "PT-11")
    assert done.exit_code == 2 and "When does a day of business start, as in 05:00: --day-starts" in done.output


def test_sites_that_are_columns_may_be_given_with_commas_or_by_their_numbers(params, till):
    from flows.cli.authoring import chosen

    path = till("date,Baixa,Sé,n\n" + "".join(f"{day},{n},{n},{n}\n" for day, n in recent()))
    done = footfall("new", "tasca", path, "--location", "PT-11", "--value", "Baixa, Sé")
    assert done.exit_code == 0 and "value is each of Baixa, Sé" in done.output, done.output
    assert set(series(params, "tasca")[1]["location"]) == {"PT-11/Baixa", "PT-11/Sé"}
    assert "no column 'Porto'" in footfall("new", "two", path, "--location", "PT-11", "--value", "Baixa,Porto").output
    for said, meant in {"1, 3": "Baixa,n", "2": "Sé", "1,9": "1,9", "Baixa": "Baixa"}.items():
        assert chosen(said, ["Baixa", "Sé", "n"]) == meant


def test_columns_of_several_counts_are_sites_or_parts_of_a_day_and_it_is_said_which(params, till):
    path = till("date,lunch,dinner\n" + "".join(f"{day},{n},{n + 1}\n" for day, n in recent()))
    given = [path, "--location", "PT-11", "--value", "lunch,dinner"]
    sites = footfall("new", "sites", *given).output
    assert "each of these columns is a site; parts of one place's day, to be summed: --site none" in sites, sites
    assert set(series(params, "sites")[1]["location"]) == {"PT-11/lunch", "PT-11/dinner"}
    parts = footfall("new", "parts", *given, "--site", "none").output
    assert "these columns are parts of a day, and summed; each a site: --site each" in parts, parts
    data, table = series(params, "parts")
    assert data.columns.parts == ["lunch", "dinner"] and table["value"].tolist() == [2 * n + 1 for _, n in recent()]
    assert footfall("new", "each", *given, "--site", "each").exit_code == 0
    assert series(params, "each")[0].columns.value == ["lunch", "dinner"]


def test_a_person_is_asked_whether_several_columns_are_sites_or_parts_of_a_day(till):
    answers = {"--value": "lunch,dinner", "--location": "PT", "--site": "none"}
    path = till("date,lunch,dinner\n" + "".join(f"{day},{n},{n}\n" for day, n in recent()))
    draft = new.draft(
        "tasca", path, new.Answers(), lambda question, *_: next(a for o, a in answers.items() if o in question)
    )
    assert 'columns: {date: date, parts: ["lunch", "dinner"]}' in draft.text


def test_parts_of_a_day_may_have_a_column_of_sites(params, till):
    rows = "".join(f"{day},{site},{n},{n}\n" for day, n in recent() for site in ("Baixa", "Foz"))
    path = till("date,shop,lunch,dinner\n" + rows)
    done = footfall("new", "tasca", path, "--location", "PT", "--value", "lunch,dinner", "--site", "shop")
    assert done.exit_code == 0, done.output
    assert series(params, "tasca")[1].groupby("location")["value"].first().nunique() == 1


def test_orders_are_told_from_days(params, till):
    rows = "".join(f"{day} {hour:02}:15,{n}\n" for day, n in recent() for hour in (12, 23, 0))
    done = footfall("new", "tasca", till("when,amount\n" + rows), "--location", "PT", "--day-starts", "05:00")
    assert done.exit_code == 0, done.output
    data, table = series(params, "tasca")
    assert (data.rows, data.dates, data.day_starts) == ("orders", "%Y-%m-%d %H:%M", "05:00")
    assert len(table) in (59, 60, 61), "until five, yesterday is not over"


@pytest.mark.parametrize(("starts", "lag"), [("06:00", 1), ("07:00", 2)])
def test_a_day_that_goes_on_when_the_next_days_run_begins_has_its_figures_a_day_later(params, till, starts, lag):
    rows = "".join(f"{day} {hour:02}:15,{n}\n" for day, n in recent() for hour in (12, 23, 0))
    done = footfall("new", "tasca", till("when,amount\n" + rows), "--location", "PT", "--day-starts", starts)
    assert done.exit_code == 0 and f"  lag: {lag} " in (params / "tasca.yaml").read_text(), done.output


@pytest.mark.parametrize(("hours", "asked"), [((0, 12, 23), True), ((12, 23, 0), False), ((12, 15, 23), False)])
def test_a_night_beside_its_date_is_asked_about_but_not_where_dates_hold_theirs(till, hours, asked):
    questions = []

    def ask(question, choices, default):
        questions.append(question)
        return default or ("05:00" if "--day-starts" in question else "PT")

    rows = "".join(f"{day},{hour},{n}\n" for day, n in recent() for hour in hours)
    new.draft("tasca", till("date,hour,n\n" + rows), new.Answers(), ask)
    assert any("--day-starts" in question for question in questions) == asked


def test_a_workbook_and_an_audit_file_are_told_by_themselves(params, tmp_path):
    frame = pd.DataFrame(recent(), columns=["Data", "Pessoas"]).assign(Data=lambda rows: pd.to_datetime(rows["Data"]))
    frame.to_excel(tmp_path / "covers.xlsx", index=False)
    done = footfall("new", "tasca", str(tmp_path / "covers.xlsx"), "--location", "PT")
    assert done.exit_code == 0 and len(series(params, "tasca")[1]) == 60, done.output
    invoices = "".join(
        f"<Invoice><InvoiceNo>FS A/{day}</InvoiceNo><DocumentStatus><InvoiceStatus>N</InvoiceStatus></DocumentStatus>"
        f"<InvoiceDate>{day}</InvoiceDate><InvoiceType>FS</InvoiceType><SystemEntryDate>{day}T02:00:00</SystemEntryDate></Invoice>"
        for day, _ in recent()
    )
    (tmp_path / "saft.xml").write_text(f'<?xml version="1.0"?><AuditFile>{invoices}</AuditFile>')
    done = footfall("new", "saft", str(tmp_path / "saft.xml"), "--location", "PT", "--day-starts", "05:00")
    assert done.exit_code == 0, done.output
    data, table = series(params, "saft")
    assert (data.format, data.day_starts) == ("saft", "05:00") and table["value"].tolist() == [1] * 60
    assert table["date"].min() == pd.Timestamp(recent()[0][0]) - pd.Timedelta(days=1)


def test_audit_files_of_two_companies_are_a_site_each_where_that_is_said(params, tmp_path):
    (tmp_path / "tills").mkdir()
    for company in ("501234567", "509999999"):
        header = f"<Header><TaxRegistrationNumber>{company}</TaxRegistrationNumber></Header>"
        invoices = "".join(
            f"<Invoice><InvoiceNo>FS A/1</InvoiceNo><InvoiceDate>{day}</InvoiceDate><InvoiceType>FS</InvoiceType>"
            f"<SystemEntryDate>{day}T12:00:00</SystemEntryDate></Invoice>"
            for day, _ in recent()
        )
        text = f'<?xml version="1.0"?><AuditFile>{header}{invoices}</AuditFile>'
        (tmp_path / "tills" / f"{company}.xml").write_text(text)
    said = ["new", "tasca", str(tmp_path / "tills"), "--location", "PT", "--day-starts", "05:00"]
    done = footfall(*said)
    assert done.exit_code == 3 and "footfall new --site TaxRegistrationNumber" in done.output, done.output
    done = footfall(*said, "--site", "TaxRegistrationNumber")
    assert done.exit_code == 0, done.output
    assert "columns: site is TaxRegistrationNumber; those of SAF-T; documents are counted" in done.output
    data, table = series(params, "tasca")
    assert data.series == "all" and set(table["location"]) == {"PT/501234567", "PT/509999999"}


def test_a_house_shut_on_mondays_is_seen(params, till):
    path = till(
        "date,covers\n" + "".join(f"{d},{n}\n" for d, n in recent(value=lambda day: 0 if day.dayofweek == 0 else 80))
    )
    said = footfall("new", "tasca", path, "--location", "PT-99").output
    assert "Mondays taken for closed" in said and "holidays of PT alone" in said


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("GB-LND", "holidays of GB alone; its regions keep more: GB-ENG, GB-NIR, GB-SCT, GB-WLS (--location)"),
        ("CH", "holidays of CH alone; its regions keep more: CH-AG, CH-AI, CH-AR, CH-BE … (--location)"),
        ("PT-11", "holidays of PT-11"),
        ("NL", "holidays of NL"),
        ("XX", "no holidays: none are known of XX"),
    ],
)
def test_a_country_whose_regions_keep_more_holidays_names_them(till, location, says):
    path = till("date,covers\n" + "".join(f"{day},{n}\n" for day, n in recent()))
    answers = new.Answers(location=location, timezone="Europe/London")
    assert says in new.draft("tasca", path, answers, None).understood


def test_a_folder_beside_the_market_s_file_is_named_relative_to_it(params):
    (params / "tills").mkdir()
    (params / "tills" / "a.csv").write_text("date,covers\n" + "".join(f"{day},{n}\n" for day, n in recent()))
    done = footfall("new", "tasca", "tills", "--location", "PT")
    assert done.exit_code == 0, done.output
    data, table = series(params, "tasca")
    assert data.source == "tills" and len(table) == 60


@pytest.fixture
def two_tills(tmp_path):
    """A folder of two tills' exports of the same days, of which each has other figures."""
    (tmp_path / "tills").mkdir()
    for times, name in enumerate(("tasca", "praia"), start=1):
        rows = "".join(f"{day},{times * n}\n" for day, n in recent())
        (tmp_path / "tills" / f"{name}.csv").write_text("date,covers\n" + rows)
    return tmp_path / "tills"


def test_of_two_tills_figures_of_the_same_days_it_is_asked_whether_they_are_sites(params, two_tills):
    given = ["new", "tasca", str(two_tills), "--location", "PT-11"]
    done = footfall(*given)
    assert done.exit_code == 2 and not list(params.iterdir()), done.output
    assert "has other numbers than" in done.output and "--files (sites, exports)" in done.output, done.output
    wrong = footfall(*given, "--files", "both")
    assert wrong.exit_code == 2 and "--files both — Input should be 'sites' or 'exports'" in wrong.output
    done = footfall(*given, "--files", "sites")
    assert done.exit_code == 0 and "each site is called as its folder, or else its file" in done.output, done.output
    assert "PT-11/praia: 60 days" in done.output and "PT-11/tasca: 60 days" in done.output
    data, table = series(params, "tasca")
    assert (data.files, data.series, data.columns.site) == ("sites", "all", None)
    assert dict(table.groupby("location")["value"].min()) == {"PT-11/praia": 200, "PT-11/tasca": 100}
    done = footfall("new", "same", *given[2:], "--files", "exports")
    assert done.exit_code == 0 and "is left out there" in done.output, done.output
    assert series(params, "same")[0].files == "exports" and len(series(params, "same")[1]) == 60


def test_a_person_is_asked_what_two_tills_are_and_one_may_be_chosen(params, two_tills):
    asked = []

    def ask(question, choices, default):
        asked.append((question.rpartition(": ")[2], [*choices]))
        return "sites"

    drawn = new.draft("tasca", str(two_tills), new.Answers(location="PT-11", site_name="praia"), ask)
    assert asked == [("--files", ["sites", "exports"])]
    assert "  files: sites  " in drawn.text and "  location: PT-11/praia" in drawn.text.replace('"', "")


def test_a_folder_for_each_till_is_a_site_where_that_is_said(params, two_tills):
    for file in [*two_tills.iterdir()]:
        (two_tills / file.stem).mkdir()
        file.rename(two_tills / file.stem / "2026.csv")
    given = ["new", "tasca", str(two_tills), "--location", "PT-11"]
    done = footfall(*given)
    assert done.exit_code == 3 and "there are some in praia/, tasca/: where each is a site" in done.output, done.output
    assert "footfall new --files sites" in done.output
    done = footfall(*given, "--files", "sites")
    assert done.exit_code == 0 and series(params, "tasca")[1]["location"].nunique() == 2, done.output


def test_files_that_differ_in_a_month_s_name_are_no_sites_and_folders_of_them_are(params, two_tills):
    for file in [*two_tills.iterdir()]:
        table = pd.read_csv(file, parse_dates=["date"])
        for month, rows in table.groupby(table["date"].dt.month):
            name = f"{file.stem} {get_month_names(locale='pt')[month]}.csv"
            rows.to_csv(two_tills / name, index=False)
        file.unlink()
    given = ["new", "tasca", str(two_tills), "--location", "PT-11"]
    asked = footfall(*given)
    assert asked.exit_code == 2 and "--files (sites, exports)" in asked.output, asked.output
    refused = footfall(*given, "--files", "sites")
    assert refused.exit_code == 2 and not list(params.iterdir()), refused.output
    assert "are named after months" in refused.output and "give each site a folder" in refused.output
    for file in [*two_tills.iterdir()]:
        folder = two_tills / file.name.partition(" ")[0]
        folder.mkdir(exist_ok=True)
        file.rename(folder / file.name)
    done = footfall(*given, "--files", "sites")
    assert done.exit_code == 0 and "PT-11/tasca: 60 days" in done.output and "PT-11/praia: 60 days" in done.output


def test_sites_are_not_files_and_columns_at_once(till, tmp_path):
    (tmp_path / "tills").mkdir()
    till("date,shop,covers\n" + "".join(f"{day},Foz,{n}\n" for day, n in recent()), "tills/foz.csv")
    given = [str(tmp_path / "tills"), "--location", "PT-11", "--files", "sites", "--site", "shop"]
    done = footfall("new", "tasca", *given)
    assert done.exit_code == 2 and "sites are files (data.files) or columns" in done.output, done.output


def test_what_is_no_table_says_what_it_is(params, till):
    done = footfall("new", "tasca", till("version https://git-lfs.github.com/spec/v1\n"), "--location", "PT")
    assert done.exit_code == 3 and "a Git LFS pointer" in done.output
    done = footfall("new", "tasca", till("hello\nworld\n"), "--location", "PT")
    assert done.exit_code == 3 and "no line of names of columns" in done.output


OWN = {
    "queen_street_daily.csv": (["--location", "NZ-AUK", "--timezone", "Pacific/Auckland"], 2, 5114),
    "queen_street_hourly_2024.csv": (
        [
            "--location",
            "NZ-AUK",
            "--timezone",
            "Pacific/Auckland",
            "--value",
            "45 Queen Street",
            "--value",
            "210 Queen Street",
        ],
        2,
        732,
    ),
    "bakeries_daily.csv": (["--location", "DE-BW"], 3, 3645),
    "portuguese_shop.csv": (["--location", "PT", "--value", "all"], 1, 257),
    "stuttgart_restaurant.csv": (["--location", "DE-BW", "--value", "dishes"], 1, 765),
}


@pytest.mark.parametrize("name", OWN)
def test_real_files_as_a_new_user_brings_them(params, name):
    options, sites, rows = OWN[name]
    done = footfall("new", "own", shared(f"own/{name}"), *options)
    assert done.exit_code == 0, done.output
    data, table = series(params, "own")
    assert len(table) == rows and len(select(table, data.location, data.category, data.choice(), 28).series) == sites
    assert data.as_of == str((table["date"].max() + pd.Timedelta(days=1)).date())


def year(row, header="date,covers", last=""):
    """A year of days, each as `row` has it, beneath a header."""
    return "\n".join([header, *(row(day) for day in pd.date_range("2025-01-01", "2025-12-31")), last])


def on_mondays(cell):
    return lambda day: f"{day:%Y-%m-%d},{cell if day.dayofweek == 0 else day.day + 40}"


WORDS = {
    **{cell: year(on_mondays(cell)) for cell in ("-", "closed", "Fechado", "n/a")},
    **{u: year(lambda day, u=u: f'{day:%Y-%m-%d},"{day.day + 40}{u}"') for u in (" pax", ",00 kr", "%", "*")},
    "formulas without their values": year(lambda day: f"{day:%Y-%m-%d},"),
    "and a temperature": year(lambda day: f"{on_mondays('Fechado')(day)},{day.month}", "date,covers,temp"),
    "a doubled name": year(lambda day: f"{day:%Y-%m-%d},70,900,80,990", "Data,Clientes,Vendas,Clientes,Vendas"),
    "a doubled name and another": year(lambda day: f"{day:%Y-%m-%d},70,80,20", "Data,Clientes,Clientes,Temp"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WORDS)
def test_counts_that_are_not_all_numbers_are_no_orders_and_no_other_column(params, till, kind):
    done = footfall("new", "tasca", till(WORDS[kind]), "--location", "PT-11")
    assert done.exit_code in (2, 3) and not list(params.iterdir()), done.output
    says = "a duplicate header" if "doubled" in kind else "write 0 where" if kind in WORDS else ""
    assert re.search(rf"{says}|--value", done.output), done.output


@pytest.mark.parametrize("name", ["N", "n", "Nº", "#", "id"])
def test_counts_may_be_called_as_numbers_of_lines_are(params, till, name):
    path = till(year(lambda day: f"{day:%Y-%m-%d},{day.day + 40}", f"date,{name}"))
    done = footfall("new", "tasca", path, "--location", "PT-11")
    assert done.exit_code == 0 and f"value is {name}\n" in done.output and "rows days" in done.output, done.output
    path = till(
        year(lambda day: f"{day:%Y-%m-%d},Foz,{day.day}\n{day:%Y-%m-%d},Sé,{day.day + 40}", f"date,site,{name}")
    )
    assert f"value is {name}, site is site" in footfall("new", "two", path, "--location", "PT-11").output


DAYS = year(lambda day: f"{day:%Y-%m-%d},{day.day + 40}")
SEPTEMBER = "".join(line + "\n" for line in DAYS.splitlines() if line.startswith("2025-09"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (DAYS + "2025-09-01,41\n", r"said again in 1 row, left out"),
        (DAYS + SEPTEMBER, r"said again in 30 rows, left out"),
        (DAYS + DAYS.partition("\n")[2], r"said again in 365 rows, left out"),
        (DAYS + "2025-09-01,42\n", r"till\.csv:367:covers: 42 — till\.csv:245 has 41 for the same day"),
    ],
)
def test_a_day_said_twice_makes_no_orders(params, till, text, says):
    done = footfall("new", "tasca", till(text), "--location", "PT-11")
    assert re.search(says, done.output), done.output
    if done.exit_code == 0:
        assert series(params, "tasca")[1]["value"].max() == 71


def test_a_slip_beside_a_column_of_words_makes_no_sites(params, till):
    rows = year(lambda day: f"{day:%Y-%m-%d},{'rain' if day.day % 3 else 'sun'},{day.day + 40}", "date,sky,covers")
    done = footfall("new", "tasca", till(rows + "2025-09-01,sun,42\n"), "--location", "PT-11")
    assert done.exit_code == 2 and "--site (sky, none)" in done.output, done.output


def test_hours_of_the_clocks_are_hours_and_a_blank_one_is_not_known(params, till):
    clock = pd.date_range("2025-09-01", "2025-11-30", freq="h", tz="Europe/Lisbon")
    rows = "".join(f"{hour:%Y-%m-%d %H:%M},{'' if hour.day == 9 and hour.hour > 15 else 5}\n" for hour in clock)
    done = footfall("new", "tasca", till("when,visits\n" + rows), "--location", "PT-11", "--day-starts", "00:00")
    assert "rows hours" in done.output and "hours are blank, taken as not known: 3 days" in done.output, done.output
    assert series(params, "tasca")[1]["value"].max() == 125


def test_receipts_with_their_time_in_a_column_are_orders_and_equal_ones_are_two(params, till):
    rows = [f"{day},{hour}:{(int(day[-2:]) * 7 + hour) % 60:02},5\n" for day, _ in recent() for hour in (12, 13, 20)]
    done = footfall("new", "tasca", till("".join(["Data,Hora,Total\n", *rows, rows[7]])), "--location", "PT-11")
    assert done.exit_code == 0 and "rows orders" in done.output, done.output
    assert series(params, "tasca")[1]["value"].sum() == 5 * (3 * 60 + 1)


@pytest.mark.parametrize("step", [15, 30, 60])
def test_a_counter_s_hours_in_a_column_are_hours(params, till, step):
    clock = pd.date_range("2025-09-01", "2025-10-20", freq=f"{step}min", inclusive="left")
    rows = "".join(f"{hour:%Y-%m-%d,%H:%M},5\n" for hour in clock)
    given = [till("date,hour,visits\n" + rows), "--location", "PT-11", "--day-starts", "00:00"]
    assert "rows hours" in footfall("new", "tasca", *given).output


@pytest.mark.parametrize("step", [15, 30])
def test_quarters_of_a_counter_that_were_pasted_twice_count_once(params, till, step):
    clock = pd.date_range("2025-09-01", "2025-10-20", freq=f"{step}min", inclusive="left")
    rows = [f"{at:%Y-%m-%d %H:%M},{at.hour}\n" for at in clock if 8 <= at.hour < 20]
    done = footfall("new", "tasca", till("".join(["when,visits\n", *rows, *rows[-200:]])), "--location", "PT-11")
    assert "rows hours" in done.output and "said again in 200 rows, left out" in done.output, done.output
    assert set(series(params, "tasca")[1]["value"]) == {sum(range(8, 20)) * 60 / step}


def test_quarters_of_a_short_day_are_a_counter_s_if_they_say_that_nobody_came(params, till):
    clock = [at for at in pd.date_range("2025-09-01", "2025-10-20", freq="15min") if 10 <= at.hour < 18]
    rows = [f"{at:%Y-%m-%d %H:%M},{at.hour - 10}\n" for at in clock]
    done = footfall("new", "tasca", till("".join(["when,visits\n", *rows, *rows[-200:]])), "--location", "PT-11")
    assert "rows hours" in done.output and "said again in 200 rows, left out" in done.output, done.output


def test_quarters_that_are_there_twice_with_other_figures_are_added_up_and_that_is_said(params, till):
    clock = pd.date_range("2025-09-01", "2025-10-20", freq="15min")
    rows = [f"{at:%Y-%m-%d %H:%M},{at.hour % 9}\n" for at in clock if 8 <= at.hour < 20]
    anew = [f"{at:%Y-%m-%d %H:%M},{at.hour % 9 + 1}\n" for at in clock if 8 <= at.hour < 20 and at.day % 9 == 0]
    given = ["new", "tasca", till("".join(["when,visits\n", *rows, *anew])), "--location", "PT-11"]
    says = f"{len(anew)} rows have the time of another one and other figures, and are added up"
    assert "--rows hours" in (done := footfall(*given)).output and says in done.output, done.output
    (params / "tasca.yaml").unlink()
    done = footfall(*given, "--rows", "hours")
    assert done.exit_code == 3 and "for the same time; one of the two rows must go" in done.output, done.output
    thrice = till("".join(["when,visits\n", *rows, *anew, *(row.replace(",", ",1") for row in anew)]))
    assert "are added up" not in footfall("new", "orders", thrice, "--location", "PT-11").output


def receipts():
    rows = [day for day, _ in recent(40) for _ in range(12)]
    return "Data,Documento,Total\n" + "".join(f"{day},FS A/{i},{5 + i % 3}\n" for i, day in enumerate(rows))


def test_numbers_of_receipts_are_no_sites(params, till):
    done = footfall("new", "tasca", till(receipts()), "--location", "PT-11")
    assert done.exit_code == 0 and "rows orders" in done.output, done.output
    assert set(series(params, "tasca")[1]["location"]) == {"PT-11"}


def test_a_person_is_asked_whether_the_column_found_is_that_of_sites(till):
    asked = []

    def ask(question, choices, default):
        asked.append((question.rpartition(": ")[2], [*choices], default))
        return "none" if "--site" in question else "PT-11"

    rows = "".join(f"{day},{part},50\n" for day, _ in recent() for part in ("Sala", "Esplanada"))
    drawn = new.draft("tasca", till("Data,Zona,Clientes\n" + rows), new.Answers(), ask)
    assert ("--site", ["Zona", "none"], "Zona") in asked and "rows: orders" in drawn.text


@pytest.mark.parametrize(
    ("header", "parts"),
    [("Período", ["Almoço", "Jantar"]), ("daypart", ["early", "late"]), ("waiter_id", [11, 12, 13]),
     ("Nome do empregado", ["Ana", "Rui"]), ("Zeit", ["Mittag", "Abend"])],
)  # fmt: skip
def test_waiters_and_parts_of_a_day_are_no_sites_unless_they_are_said_to_be(params, till, header, parts):
    rows = "".join(f"{day},{part},{50 + n % 9}\n" for n, (day, _) in enumerate(recent()) for part in parts)
    path = till(f"Data,{header},Clientes\n" + rows)
    done = footfall("new", "tasca", path, "--location", "PT-11")
    assert done.exit_code == 0 and f"a site each: --site {header}" in done.output, done.output
    _, table = series(params, "tasca")
    assert set(table["location"]) == {"PT-11"} and table["value"].min() == 50 * len(parts)
    done = footfall("new", "each", path, "--location", "PT-11", "--site", header)
    assert series(params, "each")[1]["location"].nunique() == len(parts) and "is left out" not in done.output


@pytest.mark.parametrize(
    ("header", "sites"),
    [("Área de Serviço", ["Leiria", "Pombal", "Aveiras"]), ("Staff Restaurant", ["North", "South"]),
     ("Service", ["Bar", "Restaurant", "Terrace"]), ("Site", ["Brunch", "Night"]), ("Nome da Loja", ["Noite", "Ceia"])],
)  # fmt: skip
def test_sites_are_sites_though_their_column_or_they_have_a_word_for_what_is_of_one_place(params, till, header, sites):
    rows = "".join(f"{day},{site},{50 + n % 9}\n" for n, (day, _) in enumerate(recent()) for site in sites)
    done = footfall("new", "chain", till(f"Data,{header},Clientes\n" + rows), "--location", "PT-11")
    assert done.exit_code == 0 and "is left out" not in done.output, done.output
    assert set(series(params, "chain")[1]["location"]) == {f"PT-11/{site}" for site in sites}


@pytest.mark.parametrize(
    "names",
    [["Lunch service", "Dinner service", "Rain"], ["Couverts midi", "Couverts service du soir"],
     ["Meal count", "Waste kg"]],
)  # fmt: skip
def test_no_column_of_counts_is_passed_over_for_a_word_in_its_name(till, names):
    rows = "".join(f"{day}{''.join(f';{n % 40 + at}' for at, _ in enumerate(names))}\n" for day, n in recent())
    done = footfall("new", "tasca", till(";".join(["date", *names]) + "\n" + rows), "--location", "PT-11")
    assert done.exit_code == 2 and f"--value ({', '.join(names)})" in done.output, done.output


@pytest.mark.parametrize("name", ["Meal price", "Staff discount"])
def test_what_orders_amount_to_is_counted_whatever_stands_in_its_name(params, till, name):
    rows = "".join(
        f"{day} {hour}:{n % 6}3,{10 + n % 9}\n" for n, (day, _) in enumerate(recent()) for hour in (12, 13, 20)
    )
    done = footfall("new", "tasca", till(f"time,{name}\n" + rows), "--location", "PT-11")
    assert f"value is {name}\n" in done.output and "rows orders" in done.output, done.output
    assert "is left out" not in done.output


SPRING = pd.date_range("2025-01-01", "2025-06-30")
SLOTS = [day + pd.Timedelta(hours=9 + day.day % 3, minutes=30 * more) for day in SPRING for more in (0, 1, 4)]
LISTS = {  # of orders: the text, and their sum
    "equal receipts beneath each other": (
        "date,amount\n" + "".join(f"{day:%F},35\n" * (1 + (day.dayofweek > 2)) for day in SPRING),
        35 * (len(SPRING) + sum(SPRING.dayofweek > 2)),
    ),
    "none to two a day": (
        "date,amount\n"
        + "".join(f"{day:%F},{9 + day.day + n}\n" for day in SPRING for n in range((0, 1, 1, 1, 2)[day.day % 5])),
        sum(9 + day.day + n for day in SPRING for n in range((0, 1, 1, 1, 2)[day.day % 5])),
    ),
    "bookings on the full hour": (
        "when,guests\n" + "".join(f"{day:%F} {18 + n // 2}:00,{2 + n}\n" for day in SPRING for n in (0, 2, 4, 5)),
        (2 + 4 + 6 + 7) * len(SPRING),
    ),
    "bookings of two guests each": (
        "when,guests\n" + "".join(f"{day:%F} {18 + n // 2}:00,2\n" for day in SPRING for n in (0, 2, 4, 5)),
        8 * len(SPRING),
    ),
    "appointments in half hours": (
        "date,time,client\n" + "".join(f"{at:%F,%H:%M},Client {n % 40}\n" for n, at in enumerate(SLOTS)),
        len(SLOTS),
    ),
    "bookings on the quarter": (
        "when,guests\n" + "".join(f"{at:%F %H:%M},2\n" for at in SLOTS),
        2 * len(SLOTS),
    ),
    "bookings on each half hour of an evening": (
        "when,guests\n"
        + "".join(f"{day:%F} {18 + n // 2}:{n % 2 * 30:02},{2 + n}\n" for day in SPRING for n in range(8))
        + "2025-06-30 21:30,2\n",
        sum(range(2, 10)) * len(SPRING) + 2,
    ),
    "nothing but dates": ("date\n" + "".join(f"{day:%F}\n" for day in SPRING if day.dayofweek), 155),
}


@pytest.mark.parametrize("kind", LISTS)
def test_lists_of_what_was_sold_or_booked_are_orders_and_lose_nothing(params, till, kind):
    text, total = LISTS[kind]
    done = footfall("new", "tasca", till(text), "--location", "PT-11")
    assert done.exit_code == 0 and "rows orders" in done.output, done.output
    assert series(params, "tasca")[1]["value"].sum() == total


def test_counts_that_are_missing_or_in_words_are_asked_for_with_an_answer_for_lists(params, till):
    hours = "".join(f"{day:%F},{hour}:00,\n" for day in SPRING for hour in range(9, 18))
    done = footfall("new", "tasca", till("date,hour,visits\n" + hours), "--location", "PT-11")
    assert done.exit_code == 2 and "or --rows orders, where each row is one" in done.output, done.output
    path = till(year(lambda day: f"{day:%F},Ana", "date,client"))
    assert "or --rows orders, where each row is one" in footfall("new", "tasca", path, "--location", "PT-11").output
    done = footfall("new", "tasca", path, "--location", "PT-11", "--rows", "orders", "--site", "none")
    assert done.exit_code == 0 and series(params, "tasca")[1]["value"].sum() == 365, done.output


FEW_SHOPS = {
    "numbers and a word": ("shop", ["1", "2", "3", "Online"], 60),
    "codes of digits but for one": ("code", ["001", "002", "X03"], 60),
    "of less than a week": ("shop", ["Baixa", "Foz", "Sé"], 6),
}


@pytest.mark.parametrize("kind", FEW_SHOPS)
def test_shops_are_found_by_codes_that_are_mostly_numbers_and_in_a_week(params, till, kind):
    header, shops, length = FEW_SHOPS[kind]
    rows = "".join(f"{day},{shop},{50 + n % 90}\n" for day, n in recent(length) for shop in shops)
    done = footfall("new", "tasca", till(f"date,{header},visits\n" + rows), "--location", "PT-11")
    assert done.exit_code == 0 and f"site is {header}" in done.output, done.output
    assert series(params, "tasca")[1]["location"].nunique() == len(shops)


def test_clients_who_come_again_are_no_sites(till):
    clients = enumerate(day for day, _ in recent() for _ in range(4))
    rows = "".join(f"{day},Client {i % 97}\n" for i, day in clients)
    done = footfall("new", "tasca", till("date,client\n" + rows), "--location", "PT-11")
    assert done.exit_code == 2 and "--site (client, none)" in done.output, done.output


def test_a_doubled_name_without_figures_stands_for_nothing(till):
    path = till(year(lambda day: f"{day:%F},{day.day + 40},,", "Date,Visitors,Note,Note"))
    done = footfall("new", "tasca", path, "--location", "PT-11")
    assert done.exit_code == 0 and "value is Visitors" in done.output, done.output


LETTERHEADS = {
    "a day of issue": "Empresa;Tasca do Zé\nData de emissão;27/11/2026\n\nData;Clientes",
    "a span": "Tasca do Zé;\nDe;01/01/2025\nAté;31/12/2025\n\nData;Clientes",
    "a day above": "Lisboa, 27/11/2026\nTasca;do Zé\n;27/11/2026\nData;Clientes",
}


@pytest.mark.parametrize("kind", LETTERHEADS)
def test_a_letterhead_with_a_date_is_no_header(params, till, kind):
    path = till(year(lambda day: f"{day:%d/%m/%Y};{day.day + 40}", LETTERHEADS[kind]))
    done = footfall("new", "tasca", path, "--location", "PT-11")
    assert done.exit_code == 0 and "date is Data, value is Clientes" in done.output, done.output


def test_names_that_were_given_are_those_of_the_header(params, till):
    path = till(year(lambda day: f"{day:%d/%m/%Y};{day.day + 40};9", "Data;Clientes;Vendas\ndia;n.º;EUR"))
    given = ["--location", "PT-11", "--date", "Data", "--value", "Clientes", "--dates", "%d/%m/%Y"]
    done = footfall("new", "tasca", path, *given)
    assert done.exit_code == 3 and "till.csv:2:Data: dia — no date written as" in done.output, done.output


def test_dates_in_words_and_as_numbers_are_said_to_have_no_form(params, till):
    words = till(year(lambda day: f"{day.day} fev {day.year};70", "Dia;Clientes"))
    done = footfall("new", "tasca", words, "--location", "PT-11")
    says = "How are dates written, '1 fev 2025' for one? No form that is known fits: export them as 2025-02-01"
    assert done.exit_code == 2 and says in done.output, done.output
    weekdays = till(year(lambda day: f"{day:%a %d/%m/%Y};70", "Dia;Clientes"))
    done = footfall("new", "tasca", weekdays, "--location", "PT-11")
    assert done.exit_code == 3 and "till.csv:1:1: Dia, Clientes — no table" in done.output, done.output
    given = ["--location", "PT-11", "--date", "Dia"]
    done = footfall("new", "tasca", weekdays, *given, "--dates", "%a %d/%m/%Y")
    assert done.exit_code == 0 and "365 days from 2025-01-01" in done.output, done.output
    serials = till(year(lambda day: f"{(day - pd.Timestamp('1899-12-30')).days};70", "Dia;Clientes"))
    done = footfall("new", "serials", serials, *given)
    assert done.exit_code == 2 and "'45658' for one? No form that is known fits" in done.output, done.output


MOMENT = pd.Timestamp("2025-11-27 13:45:30.125", tz="UTC")


@pytest.mark.parametrize("form", ["%Y-%m-%d" + time for time in sniff.TIMES] + [day + " %H:%M" for day in sniff.DAYS])
def test_every_form_is_found_in_its_own_writing(form):
    assert form in sniff.forms_of(pd.Series([MOMENT.strftime(form)]))


@pytest.mark.parametrize(
    ("sites", "are_refused"),
    [
        (["tasca março", "praia março"], True),
        (["sales Sep", "sales Aug"], True),
        (["loja jan24", "loja fev24", "praia"], True),
        (["loja 1", "loja 2"], False),  # told by the day that each begins with
        (["Café Maio", "Tasca"], False),
        (["Praia"], False),
    ],
)
def test_names_of_files_by_month_are_no_sites(sites, are_refused):
    with pytest.raises(UsageProblem, match="named after months") if are_refused else contextlib.nullcontext():
        new._refuse_months(sites)
