"""What a provider is built from: the protocol, the schema, errors, digests, and the contract tests it must pass."""

from .digests import state_digest
from .documents import DocumentComparer, DocumentComparison, DocumentEvaluator
from .errors import CloudError, ProceedError
from .provider import Connection, Provider, Reader, Scope, Writer
from .schema import AttributeSchema, BlockSchema, FieldSchema, KindSchema, ProviderSchema

__all__ = [
    "AttributeSchema",
    "BlockSchema",
    "CloudError",
    "Connection",
    "DocumentComparer",
    "DocumentComparison",
    "DocumentEvaluator",
    "FieldSchema",
    "KindSchema",
    "ProceedError",
    "Provider",
    "ProviderSchema",
    "Reader",
    "Scope",
    "Writer",
    "state_digest",
]
