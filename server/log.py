"""Logging: one JSON line a record on stderr, whoever logs; on a terminal the same for human eyes."""

import logging
import sys

import structlog


def configure(level: int = logging.INFO) -> None:
    """Send everything, the standard library's records too, through structlog to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering()],
        )
    )
    root = logging.getLogger()
    root.handlers = [stream]
    root.setLevel(level)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # it logs a traceback for each request that is no HTTP, so anybody could fill the disk; our own errors are logged by
    # the middleware
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)


def _rendering() -> list[structlog.typing.Processor]:
    if sys.stderr.isatty():
        return [structlog.dev.ConsoleRenderer()]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
