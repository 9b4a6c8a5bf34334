"""Schemathesis over the hub's own OpenAPI document: no 5xx, and no answer that the document does not know."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.hub import HubProcess

CHECKS = "not_a_server_error,response_schema_conformance,status_code_conformance,content_type_conformance"
# the stream does not end, and these would end the very account that asks
LEFT_OUT = ("--exclude-path", "/api/events", "--exclude-operation-id", "tokens.revoke")


@pytest.mark.parametrize("known", [True, False], ids=["with a token", "without one"])
async def test_whatever_is_sent_is_answered_as_the_document_says(own_hub: HubProcess, known: bool) -> None:
    token = ("-H", f"Authorization: Bearer {own_hub.admin_token}") if known else ()
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{own_hub.url}/api/openapi.json"),
        *("--max-examples", "5", "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--no-color"),
        *("--generation-deterministic", *LEFT_OUT, *token),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=own_hub.data_dir,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    async with own_hub.client() as admin:
        assert (await admin.call("GET", "/readyz")).status == 200
