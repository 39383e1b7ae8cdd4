"""The only way from the dialogue to the intake backend: what is sent, what counts as proof, and when to stop trying.

A request is sent with an idempotency key that stays the same for every try, so a try whose answer was lost does no
harm. A request counts as stored only when the backend says so with a tracking number; everything else is a typed
error that says whether the request may be stored all the same (``uncertain``).
"""
from __future__ import annotations

import asyncio
import base64
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import aiohttp

from triage import tracking

logger = logging.getLogger(__name__)

# Between the tries of one turn, in seconds; the last try of a turn is the one after the last pause.
PAUSES = (0.15, 0.5)
JITTER = 0.5
# Letters, digits and dashes, with a digit among them, so that no word is taken for a number.
NUMBER = r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9-]{3,39}"
# A try that would have less time than this is not begun.
LEAST_SECONDS = 0.3
REFUSES_US = (401, 403)
# Answers that say "no such request", or nothing of it: no proof of what became of an earlier try.
SAYS_NOTHING_OF_IT = (404, 410, 422, 429)
NO_SUCH_ROUTE = (404, 405, 501)
_T = TypeVar("_T")


class IntakeError(Exception):
    """Something between the dialogue and the intake backend."""


class IntakeUnavailable(IntakeError):
    """No proof that anything is stored.

    Attributes:
        kind: What happened, in one word, for logs and staff; nothing personal.
        uncertain: A try reached the backend or may have, so that the request may be stored all the same.
        after: Seconds to wait as the backend asked, or ``None``.
    """

    def __init__(self, kind: str, uncertain: bool = False, after: float | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.uncertain = uncertain
        self.after = after


class IntakeLocked(IntakeError):
    """Too many tries for this tracking number."""


class IntakeConflict(IntakeError):
    """Another content is stored under this key, or the request is in a state that does not allow it."""


class IntakeGone(IntakeError):
    """What was stored under this key is withdrawn or erased; the key is used up."""


class IntakeErased(IntakeError):
    """The person erased the request before, perhaps without hearing of it.

    Attributes:
        receipt: Of that erasure.
    """

    def __init__(self, receipt: str) -> None:
        super().__init__("erased")
        self.receipt = receipt


class IntakeUnsupported(IntakeError):
    """The backend does not offer this."""


class IntakeRejected(IntakeError):
    """The backend refuses the content.

    Attributes:
        fields: Names of the fields it does not accept, each with a code of what is wrong with it (or ``""``).
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("rejected: " + ", ".join(sorted(fields)))
        self.fields = dict(fields)


@dataclass(frozen=True)
class Similar:
    """Another request that lives at the backend for the same receipt number."""

    receipt_number: str
    received_at: str


@dataclass(frozen=True)
class Receipt:
    """Proof that a request is stored.

    Attributes:
        official: The backend can give the official form, filled in.
    """

    tracking_number: str
    status: str
    similar: tuple[Similar, ...] = ()
    official: bool = False


@dataclass(frozen=True)
class Backend:
    """Where the intake backend is and how it is spoken to. An agency's own one is described by these values alone.

    Attributes:
        url: Such as ``http://127.0.0.1:8000``.
        credential: Token or password.
        auth: ``bearer``, ``header:<name>`` or ``basic:<user>``.
        requests: Path that takes requests.
        feedback: Path that takes feedback.
        revoke: Path that takes a key back.
        lookup: Path that tells a status for a tracking number and a proof.
        withdraw: Path that withdraws; ``{tracking_number}`` stands for the number.
        erase: Path that erases; likewise.
        key_header: Name of the header with the idempotency key.
        number_field: Field of the answer that holds the tracking number.
        number_pattern: Regular expression of a valid tracking number.
        pdf: Path of a request as PDF, which the front door fetches; empty when there is none.
        attempt_seconds: Longest wait for one answer.
        turn_seconds: Longest time of all tries of one turn together.
        circuit_failures: So many failures in a row open the circuit.
        circuit_seconds: So long nothing is tried then.
    """

    url: str
    credential: str
    auth: str = "bearer"
    requests: str = "/v1/case-requests"
    feedback: str = "/v1/feedback"
    revoke: str = "/v1/idempotency-keys/revoke"
    lookup: str = "/v1/case-requests/lookup"
    withdraw: str = "/v1/case-requests/{tracking_number}/withdraw"
    erase: str = "/v1/case-requests/{tracking_number}/erase"
    key_header: str = "Idempotency-Key"
    number_field: str = "tracking_number"
    number_pattern: str = NUMBER
    pdf: str = "/v1/case-requests/{tracking_number}/form.pdf"
    attempt_seconds: float = 3.0
    turn_seconds: float = 5.0
    circuit_failures: int = 5
    circuit_seconds: float = 15.0

    def headers(self) -> dict[str, str]:
        """The headers that say who we are.

        Raises:
            ValueError: ``auth`` is none of the three kinds.
        """
        kind, _, detail = self.auth.partition(":")
        if kind == "bearer":
            return {"Authorization": f"Bearer {self.credential}"}
        if kind == "header" and detail:
            return {detail: self.credential}
        if kind == "basic" and detail:
            pair = base64.b64encode(f"{detail}:{self.credential}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        raise ValueError("INTAKE_AUTH must be bearer, header:<name> or basic:<user>")

    def is_number(self, value: object) -> bool:
        """Whether a value is a tracking number of this backend; one of ours may happen to have no digit."""
        if not isinstance(value, str):
            return False
        ours = self.number_pattern == NUMBER and tracking.is_valid(value)
        return ours or re.fullmatch(self.number_pattern, value) is not None


class Circuit:
    """Stops trying a backend that keeps failing, and lets one try through from time to time.

    Args:
        failures: So many in a row open it.
        seconds: So long it stays open.
        clock: Seconds that only go forward.
    """

    def __init__(self, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._clock = failures, seconds, clock
        self._failures = 0
        self._closed_again = 0.0

    def enter(self) -> None:
        """Ask for a try; while open, only one after each pause gets through.

        Raises:
            IntakeUnavailable: It is open; nothing was sent.
        """
        if self._failures < self._most:
            return
        now = self._clock()
        if now < self._closed_again:
            raise IntakeUnavailable("circuit_open", after=self._closed_again - now)
        self._closed_again = now + self._seconds

    def succeeded(self) -> None:
        """The backend answered as it should."""
        self._failures = 0

    def failed(self) -> None:
        """It did not."""
        self._failures += 1
        if self._failures >= self._most:
            self._closed_again = self._clock() + self._seconds


class Budget:
    """The time of one turn.

    Args:
        seconds: All of it.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left."""
        return self._end - time.monotonic()


@dataclass(frozen=True)
class _Answer:
    status: int
    body: Mapping[str, Any]
    readable: bool
    after: float | None
    in_doubt: bool = False


class IntakeClient:
    """Talks to an intake backend over HTTP.

    Args:
        backend: Which one.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._headers = backend.headers()
        self._circuit = Circuit(backend.circuit_failures, backend.circuit_seconds)

    def is_agency_number(self, text: str) -> bool:
        """Whether a text is a tracking number in the form that was set for an agency's own intake."""
        return self._backend.number_pattern != NUMBER and self._backend.is_number(text)

    @property
    def makes_pdf(self) -> bool:
        """Whether the backend makes a PDF of a request."""
        return bool(self._backend.pdf)

    def budget(self) -> Budget:
        """The time that all tries of a turn share."""
        return Budget(self._backend.turn_seconds)

    async def file(self, payload: Mapping[str, Any], key: str, budget: Budget | None = None) -> Receipt:
        """Hand a case assistance request over.

        Args:
            payload: As the intake schema has it.
            key: Idempotency key, the same for every try of the same request.
            budget: Time left of the turn.

        Raises:
            IntakeRejected: The content is not accepted.
            IntakeConflict: Another content is stored under the key.
            IntakeGone: The key is used up.
            IntakeUnavailable: No proof that it is stored.
        """
        def receipt(body: Mapping[str, Any]) -> Receipt:
            number = body.get(self._backend.number_field)
            if not self._backend.is_number(number):
                raise IntakeUnavailable("no_tracking_number", uncertain=True)
            links = body.get("links")
            official = isinstance(links, Mapping) and bool(links.get("official"))
            return Receipt(str(number), str(body.get("status")), _similar(body.get("similar")), official)

        return await self._store(self._backend.requests, payload, key, budget, receipt)

    async def give_feedback(self, text: str, language: str, key: str, budget: Budget | None = None) -> None:
        """Store an experience or suggestion (errors as for ``file``)."""
        def stored(body: Mapping[str, Any]) -> None:
            if not body:
                raise IntakeUnavailable("no_receipt", uncertain=True)

        await self._store(self._backend.feedback, {"feedback_text": text, "language": language}, key, budget, stored)

    async def revoke(self, key: str, budget: Budget | None = None) -> bool:
        """Take a key back: what was stored under it is withdrawn, and nothing can be stored under it any more.

        Returns:
            Whether something had been stored under it.

        Raises:
            IntakeUnsupported: The backend cannot do that.
            IntakeUnavailable: It did not confirm.
        """
        answer = await self._persist(self._backend.revoke, {"key": key}, {}, budget)
        if answer.status in NO_SUCH_ROUTE:
            raise IntakeUnsupported("revoke")
        state = answer.body.get("state")
        if answer.status != 200 or state not in ("unused", "withdrawn"):
            raise IntakeUnavailable(f"status_{answer.status}")
        return bool(state == "withdrawn")

    async def look_up(self, number: str, proof: Mapping[str, str]) -> Mapping[str, Any] | None:
        """Status of a filed request, or ``None`` when number and proof do not belong together.

        Raises:
            IntakeErased: The same proof has erased it.
            IntakeLocked: Too many tries.
            IntakeUnavailable: No answer.
        """
        question = {"tracking_number": number, "proof": dict(proof)}
        return await self._with_proof(self._backend.lookup, question, changes=False)

    async def withdraw(self, number: str, proof: Mapping[str, str]) -> bool:
        """Withdraw a filed request; ``False`` when number and proof do not belong together.

        Raises:
            IntakeConflict: It is in a state that does not allow it.
            IntakeErased: The same proof has erased it.
            IntakeLocked: Too many tries.
            IntakeUnsupported: The backend cannot do that.
            IntakeUnavailable: No answer; it may or may not be withdrawn.
        """
        path = self._backend.withdraw.replace("{tracking_number}", number)
        return await self._with_proof(path, {"proof": dict(proof)}, changes=True) is not None

    async def erase(self, number: str, proof: Mapping[str, str]) -> str | None:
        """Erase a filed request.

        Returns:
            The receipt of the erasure, or ``None`` when number and proof do not belong together.

        Raises:
            As ``withdraw``.
        """
        path = self._backend.erase.replace("{tracking_number}", number)
        body = await self._with_proof(path, {"proof": dict(proof)}, changes=True)
        if body is None:
            return None
        receipt = body.get("receipt")
        if not isinstance(receipt, str) or not receipt:
            raise IntakeUnavailable("no_receipt", uncertain=True)
        return receipt

    async def _with_proof(self, path: str, question: Mapping[str, Any], *, changes: bool) -> Mapping[str, Any] | None:
        answer = await self._persist(path, question, {}, None)
        receipt = answer.body.get("receipt")
        if answer.status == 410 and isinstance(receipt, str) and receipt:
            raise IntakeErased(receipt)
        if changes and answer.in_doubt and answer.status in SAYS_NOTHING_OF_IT:
            raise IntakeUnavailable(f"status_{answer.status}", uncertain=True)
        if answer.status == 429:
            raise IntakeLocked
        if answer.status == 409:
            raise IntakeConflict
        if answer.status in (405, 501):
            raise IntakeUnsupported(path.rsplit("/", 1)[-1])
        if answer.status == 404 and not answer.readable:
            raise IntakeUnsupported(path.rsplit("/", 1)[-1])
        if answer.status in (404, 410, 422):
            return None
        if answer.status != 200 or not answer.readable:
            raise IntakeUnavailable(f"status_{answer.status}", uncertain=True)
        return answer.body

    async def _store(self, path: str, payload: Mapping[str, Any], key: str, budget: Budget | None,
                     proof: Callable[[Mapping[str, Any]], _T]) -> _T:
        """Send until there is proof, or nothing more is to be gained in this turn."""
        budget = budget or self.budget()
        uncertain = False
        for pause in (*PAUSES, None):
            try:
                answer = await self._try(path, payload, {self._backend.key_header: key}, budget)
                return self._read(answer, proof)
            except IntakeUnavailable as problem:
                uncertain = uncertain or problem.uncertain
                if not _worth_another(problem, pause, budget):
                    problem.uncertain = uncertain
                    raise
            await _pause(pause)
        raise IntakeUnavailable("no_try_left", uncertain)

    def _read(self, answer: _Answer, proof: Callable[[Mapping[str, Any]], _T]) -> _T:
        status = answer.status
        if status in (200, 201):
            if not answer.readable:
                raise IntakeUnavailable("unreadable", uncertain=True)
            return proof(answer.body)
        if status == 409:
            raise IntakeConflict
        if status == 410:
            raise IntakeGone
        if status == 422 and answer.readable:
            raise IntakeRejected(_wrong_fields(answer.body))
        # Below 500 the backend, or whoever answered for it, has read the request and refused it.
        raise IntakeUnavailable(f"status_{status}", uncertain=not 400 <= status < 500, after=answer.after)

    async def _persist(self, path: str, payload: Mapping[str, Any], headers: Mapping[str, str],
                       budget: Budget | None) -> _Answer:
        """Ask until an answer comes that another try would not change; it says whether an earlier try is in doubt."""
        budget = budget or self.budget()
        in_doubt = False
        for pause in (*PAUSES, None):
            try:
                answer = await self._try(path, payload, headers, budget)
                if answer.status < 500 and answer.status not in REFUSES_US:
                    return replace(answer, in_doubt=in_doubt)
                raise IntakeUnavailable(f"status_{answer.status}", uncertain=True, after=answer.after)
            except IntakeUnavailable as problem:
                in_doubt = in_doubt or problem.uncertain
                if not _worth_another(problem, pause, budget):
                    raise
            await _pause(pause)
        raise IntakeUnavailable("no_try_left", in_doubt)

    async def _try(self, path: str, payload: Mapping[str, Any], headers: Mapping[str, str],
                   budget: Budget) -> _Answer:
        """One request and its answer, through the circuit."""
        self._circuit.enter()
        try:
            answer = await self._send(path, payload, headers, budget)
        except IntakeUnavailable:
            self._circuit.failed()
            raise
        if answer.status in REFUSES_US:
            logger.error("ALARM the intake backend refuses our credential (status %d): nothing can be handed over "
                         "until INTAKE_TOKEN or INTAKE_AUTH is set right", answer.status)
        elif answer.status == 404 and path in (self._backend.requests, self._backend.feedback):
            logger.error("ALARM the intake backend knows no such address: INTAKE_URL or its paths are wrong")
        # Too many tries of one person for one number say nothing of the backend; too many requests do.
        busy = answer.status == 429 and path in (self._backend.requests, self._backend.feedback)
        wrong = answer.status >= 500 or answer.status in REFUSES_US or busy
        (self._circuit.failed if wrong else self._circuit.succeeded)()
        return answer

    async def _send(self, path: str, payload: Mapping[str, Any], headers: Mapping[str, str],
                    budget: Budget) -> _Answer:
        seconds = min(self._backend.attempt_seconds, max(budget.left(), LEAST_SECONDS))
        timeout = aiohttp.ClientTimeout(total=seconds)
        url = self._backend.url.rstrip("/") + path
        try:
            async with aiohttp.ClientSession(timeout=timeout, headers=self._headers) as session, session.post(
                    url, json=dict(payload), headers=dict(headers), allow_redirects=False) as response:
                after = _seconds(response.headers.get("Retry-After"))
                try:
                    body = await response.json(content_type="application/json")
                except (ValueError, aiohttp.ContentTypeError):
                    return _Answer(response.status, {}, False, after)
                readable = isinstance(body, dict)
                return _Answer(response.status, body if readable else {}, readable, after)
        except aiohttp.ClientConnectorError:
            raise IntakeUnavailable("refused") from None
        except (TimeoutError, asyncio.TimeoutError):
            raise IntakeUnavailable("stall", uncertain=True) from None
        except (aiohttp.ClientError, OSError):
            raise IntakeUnavailable("dropped", uncertain=True) from None


def _worth_another(problem: IntakeUnavailable, pause: float | None, budget: Budget) -> bool:
    """Whether another try in this turn can help."""
    if pause is None or problem.kind in ("circuit_open", "stall"):
        return False
    status = int(problem.kind.removeprefix("status_")) if problem.kind.startswith("status_") else 0
    if 400 <= status < 500 and status not in (408, 425, 429):
        return False
    return max(pause, problem.after or 0.0) + LEAST_SECONDS < budget.left()


def _pause(pause: float | None) -> Awaitable[None]:
    seconds = pause or 0.0
    return asyncio.sleep(seconds * (1 + JITTER * random.random()))  # noqa: S311 (only spreads the load)


def _wrong_fields(body: Mapping[str, Any]) -> dict[str, str]:
    listed = body.get("fields")
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        return {}
    found = [item for item in listed if isinstance(item, Mapping) and item.get("field")]
    return {str(item["field"]).split(".")[0]: str(item.get("code") or "") for item in found}


def _similar(listed: object) -> tuple[Similar, ...]:
    if not isinstance(listed, list):
        return ()
    return tuple(Similar(str(item["receipt_number"]), str(item["received_at"])) for item in listed
                 if isinstance(item, dict) and item.get("receipt_number") and item.get("received_at"))


def _seconds(header: str | None) -> float | None:
    """``Retry-After`` in seconds; its other form, a date, is not used by anything we speak to."""
    return float(header) if header and header.strip().isdigit() else None
