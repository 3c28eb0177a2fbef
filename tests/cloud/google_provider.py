"""A stand-in for Terraform's Google provider: its schemas, of version 6.50.0, and nothing else.

It is enough for ``validate``, and for tests with ``mock_provider``: a misspelt block, a missing argument and a wrong
type are refused. What the provider itself checks, and what Google does, it cannot know. An attribute in
``google_schemas.json`` is its type and whether it is required, optional, computed; a block its nesting, least, most and
what is in it.
"""

import json
from pathlib import Path

import tf.provider
import tf.runner
from tf.gen import tfplugin_pb2 as pb

SCHEMAS = json.loads(Path(__file__).with_name("google_schemas.json").read_text())
SETTINGS = {
    "attributes": {name: ["string", "o"] for name in ("project", "region", "zone", "billing_project")}
    | {"user_project_override": ["bool", "o"]},
    "blocks": {},
}


def block(schema):
    attributes = [
        pb.Schema.Attribute(
            name=name, type=json.dumps(kind).encode(), required="r" in is_, optional="o" in is_, computed="c" in is_
        )
        for name, (kind, is_) in schema["attributes"].items()
    ]
    blocks = [
        pb.Schema.NestedBlock(
            type_name=name, nesting=nesting.upper(), min_items=least, max_items=most, block=block(inner)
        )
        for name, (nesting, least, most, inner) in schema["blocks"].items()
    ]
    return pb.Schema.Block(attributes=attributes, block_types=blocks)


class Provider:
    """The few questions that Terraform asks of a provider whose resources are all mocked."""

    def __init__(self, _):
        pass

    def GetMetadata(self, request, context):
        return pb.GetMetadata.Response(resources=[pb.GetMetadata.ResourceMetadata(type_name=name) for name in SCHEMAS])

    def GetProviderSchema(self, request, context):
        resources = {name: pb.Schema(version=1, block=block(schema)) for name, schema in SCHEMAS.items()}
        return pb.GetProviderSchema.Response(provider=pb.Schema(block=block(SETTINGS)), resource_schemas=resources)

    def ValidateProviderConfig(self, request, context):
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request, context):
        return pb.ValidateResourceConfig.Response()

    def ConfigureProvider(self, request, context):
        return pb.ConfigureProvider.Response()

    def StopProvider(self, request, context):
        return pb.StopProvider.Response()


if __name__ == "__main__":
    from tf.gen.tfplugin_pb2_grpc import ProviderServicer

    tf.provider.ProviderServicer = type("Servicer", (Provider, ProviderServicer), {})
    tf.runner.run_provider(None)
