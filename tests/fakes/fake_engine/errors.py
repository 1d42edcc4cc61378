"""Errors as vLLM 0.32 words them, in OpenAI's envelope."""

from __future__ import annotations

from http import HTTPStatus

BUSY = "The engine is currently busy and cannot accept new requests. Please try again later or on a different instance."
BACKLOG = "The engine has reached its prefill token backlog limit. Please try again later or on a different instance."
AFTER_SHUTDOWN = "cannot schedule new futures after shutdown"
ENGINE_DEAD = "EngineCore encountered an issue. See stack trace (above) for the root cause."
OUT_OF_MEMORY = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.53 GiB "
    "of which 1.12 GiB is free."
)


class ApiError(Exception):
    """One error reply."""

    def __init__(self, status: HTTPStatus, kind: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.kind, self.param = status, kind, param

    def body(self) -> dict[str, object]:
        error = {"message": str(self), "type": self.kind, "param": self.param, "code": self.status.value}
        return {"error": error}


def bad_request(message: str, param: str | None = None, value: object = None) -> ApiError:
    """A value that makes no sense; ``param`` and ``value`` are named in the message too."""
    named = f" (parameter={param}{'' if value is None else f', value={value}'})" if param else ""
    return ApiError(HTTPStatus.BAD_REQUEST, "BadRequestError", message + named, param)


def invalid(kind: str, where: str, message: str, given: str, more: str = "") -> ApiError:
    """A body of the wrong form, as the server's own validation words it."""
    problem = f"{{'type': '{kind}', 'loc': '{where}', 'msg': '{message}', 'input': '{given}'{more}}}"
    return ApiError(HTTPStatus.BAD_REQUEST, HTTPStatus.BAD_REQUEST.phrase, f"1 validation error:\n  {problem}", where)


def not_served(model: str, names: list[str]) -> ApiError:
    message = f"The model `{model}` does not exist. Valid aliases: {', '.join(names)}."
    return ApiError(HTTPStatus.NOT_FOUND, "NotFoundError", message, "model")


def shed(message: str) -> ApiError:
    return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.SERVICE_UNAVAILABLE.phrase, message)


def internal(message: str) -> ApiError:
    return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError", message)
