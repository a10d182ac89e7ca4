"""`make types`: the clients' types, generated from the API's description and committed."""

from pathlib import Path

from gateway.api.docs.openapi import openapi_document
from tests.generated_types.generators_kit import generate_python, generate_typescript

ROOT = Path(__file__).parents[2]
PYTHON_TYPES = ROOT / "clients" / "python" / "questkeep_client" / "api_types.py"
TYPESCRIPT_TYPES = ROOT / "clients" / "typescript" / "src" / "api.ts"

if __name__ == "__main__":
    generate_python(openapi_document(()), PYTHON_TYPES)
    generate_typescript(openapi_document(()), TYPESCRIPT_TYPES)
