"""What somebody may ask for who knows a tracking number and a second fact; wrong and unknown are answered alike."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from intake import answers, schema
from intake.errors import Refused
from intake.routes.common import BODY, Context, found, good, held, json_body, problems, too_many
from intake.store.base import LegalHold
from intake.store.proofs import AlreadyErased, NotPossible, Proven, TooManyTries

_PROOF = {"date_of_birth": "1980-02-29"}
_PROVEN = ("unauthorized", "not_found", "too_many_tries")


def routes(context: Context) -> APIRouter:
    """The routes for people with a proof."""
    proofs = context.store.proofs
    router = APIRouter(prefix="/v1", dependencies=[context.only_services], tags=["with a proof"])

    async def proven[T](work: Callable[[str, Proven], T | None], number: str, proof: schema.Proof) -> T:
        fact = Proven(proof.date_of_birth, proof.receipt_number)
        try:
            return found(await run_in_threadpool(work, number, fact))
        except TooManyTries as error:
            raise too_many(error) from None
        except LegalHold as error:
            raise held(error) from None
        except AlreadyErased as error:
            name = error.receipt.receipt
            raise Refused(410, "erased", "This request was erased with the same proof.", receipt=name) from None
        except NotPossible:
            raise Refused(409, "closed", "This request is closed; it can't be withdrawn any more.") from None

    @router.post(
        "/case-requests/lookup",
        openapi_extra=json_body(schema.Lookup, {"tracking_number": "CA-7K2M-9QXD-R4TA", "proof": _PROOF}),
        responses={200: good(answers.StatusOut, "Its status."), **problems(*BODY, *_PROVEN, "erased")},
    )
    async def look_up(request: Request) -> JSONResponse:
        """Status for somebody with a second fact; a wrong fact and an unknown number are answered alike."""
        asked = await context.read(request, schema.Lookup)
        return JSONResponse(answers.status(await proven(proofs.look_up, asked.tracking_number, asked.proof)))

    @router.post(
        "/case-requests/{tracking_number}/withdraw",
        openapi_extra=json_body(schema.WithProof, {"proof": _PROOF}),
        responses={
            200: good(answers.StatusOut, "Withdrawn, now or before."),
            **problems(*BODY, *_PROVEN, "closed", "erased"),
        },
    )
    async def withdraw(tracking_number: str, request: Request) -> JSONResponse:
        """Withdraw a request; it is kept for a while and then removed."""
        asked = await context.read(request, schema.WithProof)
        return JSONResponse(answers.status(await proven(proofs.withdraw, tracking_number, asked.proof)))

    @router.post(
        "/case-requests/{tracking_number}/erase",
        openapi_extra=json_body(schema.WithProof, {"proof": _PROOF}),
        responses={
            200: good(answers.ErasureOut, "Erased.", Erasure_Receipt="The receipt, as in the body."),
            **problems(*BODY, *_PROVEN, "held"),
        },
    )
    async def erase(tracking_number: str, request: Request) -> JSONResponse:
        """Erase a request with everything that belongs to it; the receipt proves that it was done.

        The same proof gets the same receipt again for a while, as the first answer may have been lost on the way.
        """
        asked = await context.read(request, schema.WithProof)
        receipt = await proven(proofs.erase, tracking_number, asked.proof)
        return JSONResponse(answers.erasure(receipt), headers={"Erasure-Receipt": receipt.receipt})

    return router
