"""The settings for GraphQL documents: their cost, the points of a client, and the limits of one document."""

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings


class QuerySettings(BaseSettings):
    """GraphQL documents: cost and limits."""

    query_maximum_cost: int = Field(
        1000,
        ge=100,
        le=100_000,
        description="The largest cost of one GraphQL document in points. A document over it is not executed "
        "(MAX_COST_EXCEEDED). A point is about 0.1 ms of CPU time, see docs/cost.md.",
    )
    query_bucket_size: int | None = Field(
        None,
        ge=1,
        le=1_000_000_000,
        description="The number of points that a client can use at once, at least GATEWAY_QUERY_MAXIMUM_COST. A "
        "request that costs more than the client has left gets 429 (THROTTLED). If absent, ten times "
        "GATEWAY_QUERY_MAXIMUM_COST in live and 1000000 in a sandbox.",
    )
    query_restore_rate: int | None = Field(
        None,
        ge=1,
        le=1_000_000_000,
        description="The number of points that are restored to a client each second. If absent, half of "
        "GATEWAY_QUERY_MAXIMUM_COST in live and 1000000 in a sandbox.",
    )
    query_maximum_depth: int = Field(
        12,
        ge=8,
        le=30,
        description="The largest number of levels of fields in one document. Fields that begin with __ do not count.",
    )
    query_maximum_aliases: int = Field(
        30,
        ge=1,
        le=200,
        description="The largest number of aliases in one operation. Those of a fragment count each time it is used.",
    )
    query_maximum_root_fields: int = Field(
        20,
        ge=1,
        le=100,
        description="The largest number of fields at the root of one operation.",
    )
    query_maximum_directives: int = Field(
        50, ge=1, le=200, description="The largest number of directives in one document; at one location it is 4."
    )
    query_maximum_fragments: int = Field(
        50, ge=1, le=200, description="The largest number of fragments in one document."
    )
    query_maximum_operations: int = Field(
        10, ge=1, le=50, description="The largest number of operations in one document."
    )
    query_maximum_tokens: int = Field(
        2000,
        ge=500,
        le=10_000,
        description="The largest number of tokens (names, punctuation, values) in one document.",
    )
    query_maximum_body: int = Field(
        64 * 1024, ge=16 * 1024, le=1024 * 1024, description="The largest size of one GraphQL request's body in bytes."
    )
    query_compilation: bool = Field(
        True,
        description="Whether an operation is compiled to Python functions when its document is executed for the second "
        "time. The responses are the same; false makes executions slower.",
    )

    trusted_documents_only: bool = Field(
        False,
        description="Whether requests must name a registered document (documentId) instead of sending a text, also for "
        "introspection. Register documents with `gateway clients documents` first.",
    )

    @field_validator("query_bucket_size")
    @classmethod
    def _bucket_holds_a_document(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and value < info.data.get("query_maximum_cost", 0):
            raise ValueError("must be at least GATEWAY_QUERY_MAXIMUM_COST")
        return value
