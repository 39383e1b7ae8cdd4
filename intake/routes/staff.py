"""The staff: requests, notes, holds, outbox, audit trail. Each has an own token and a role; each access is recorded."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from intake import answers, schema
from intake.answers import CaseOut
from intake.errors import Refused
from intake.roles import PERMISSIONS, Permission
from intake.routes.common import BODY, STAFF, Context, found, good, json_body, no_store, problems
from intake.store.members import Member
from intake.store.staff import Case, NotAllowed, Stale

Limit = Annotated[int, Query(ge=1, le=schema.PAGE_MAX)]
Before = Annotated[int | None, Query(ge=1, le=schema.ID_MAX, description="`next` of the page before.")]
_PAGE = 50


def routes(context: Context) -> APIRouter:
    """The routes of the staff."""
    staff = context.store.staff
    router = APIRouter(prefix="/v1", tags=["staff"])
    anybody, reader = context.staff(), context.staff(Permission.READ_REQUESTS)
    changer, holder = context.staff(Permission.CHANGE_REQUESTS), context.staff(Permission.HOLD_REQUESTS)
    auditor, counter = context.staff(Permission.READ_AUDIT), context.staff(Permission.READ_FIGURES)
    clerk, dispatcher = context.staff(Permission.READ_OUTBOX), context.staff(Permission.CHANGE_OUTBOX)

    def shown(case: Case | None) -> JSONResponse:
        response = JSONResponse(answers.case(found(case)))
        no_store(response)
        return response

    @router.get("/staff/me", responses={200: good(answers.MemberOut, "You."), **problems("unauthorized")})
    def me(member: Member = anybody) -> JSONResponse:
        """Who you are and what you may do."""
        staff.note_identity(member)
        allowed = sorted(permission.value for permission in PERMISSIONS[member.role])
        return JSONResponse({"name": member.name, "role": member.role.value, "permissions": allowed})

    @router.get("/staff/requests", responses={200: good(answers.PageOut, "A page."), **problems(*STAFF, "invalid")})
    def listed(
        member: Member = reader, status: schema.AnyStatus | None = None, before: Before = None, limit: Limit = _PAGE
    ) -> JSONResponse:
        """Requests, the latest first."""
        found_ones = staff.search(member, status=status, before_id=before, limit=limit)
        return JSONResponse(answers.page(found_ones, limit))

    @router.post(
        "/staff/requests/search",
        openapi_extra=json_body(schema.Search, {"receipt_number": "LIN9999106498"}),
        responses={200: good(answers.PageOut, "A page."), **problems(*BODY, *STAFF)},
    )
    async def search(request: Request, member: Member = reader) -> JSONResponse:
        """Requests by tracking number or receipt number; in the body, so that no number stands in an address."""
        asked = await context.read(request, schema.Search)

        def work() -> list[Any]:
            return list(
                staff.search(
                    member,
                    number=asked.tracking_number,
                    receipt_number=asked.receipt_number,
                    status=asked.status,
                    before_id=asked.before,
                    limit=asked.limit,
                )
            )

        return JSONResponse(answers.page(await run_in_threadpool(work), asked.limit))

    @router.get(
        "/staff/requests/{tracking_number}",
        responses={200: good(CaseOut, "The request."), **problems(*STAFF, "not_found")},
    )
    def read(tracking_number: str, member: Member = reader) -> JSONResponse:
        """A request with everything about it."""
        return shown(staff.read(member, tracking_number))

    @router.post(
        "/staff/requests/{tracking_number}/status",
        openapi_extra=json_body(
            schema.NewStatus, {"status": "in_review", "note": "Asked the service center.", "expected": "received"}
        ),
        responses={200: good(CaseOut, "Done."), **problems(*BODY, *STAFF, "not_found", "not_allowed", "stale")},
    )
    async def set_status(tracking_number: str, request: Request, member: Member = changer) -> JSONResponse:
        """Give a request another status; the person sees it, but not the note."""
        asked = await context.read(request, schema.NewStatus)
        try:
            case = await run_in_threadpool(
                staff.set_status, member, tracking_number, asked.status, asked.note, asked.expected
            )
        except NotAllowed as error:
            raise Refused(
                409, "not_allowed", "This status can't follow on the present one.", allowed=list(error.allowed)
            ) from None
        except Stale as error:
            raise Refused(
                409, "stale", "Somebody else has changed the status meanwhile.", current=error.status
            ) from None
        return shown(case)

    @router.post(
        "/staff/requests/{tracking_number}/notes",
        openapi_extra=json_body(schema.NewNote, {"note": "Called back; no answer."}),
        responses={200: good(CaseOut, "Done."), **problems(*BODY, *STAFF, "not_found")},
    )
    async def add_note(tracking_number: str, request: Request, member: Member = changer) -> JSONResponse:
        """Write something about a request, for the staff only."""
        asked = await context.read(request, schema.NewNote)
        return shown(await run_in_threadpool(staff.add_note, member, tracking_number, asked.note))

    @router.put(
        "/staff/requests/{tracking_number}/hold",
        openapi_extra=json_body(schema.Hold, {"hold": True, "note": "Preservation letter of 20 November."}),
        responses={200: good(CaseOut, "Done."), **problems(*BODY, *STAFF, "not_found")},
    )
    async def set_hold(tracking_number: str, request: Request, member: Member = holder) -> JSONResponse:
        """Put a legal hold on a request or take it off; while it is on, nothing erases the request."""
        asked = await context.read(request, schema.Hold)
        return shown(await run_in_threadpool(staff.set_hold, member, tracking_number, asked.hold, asked.note))

    @router.get("/staff/audit", responses={200: good(answers.TrailOut, "A page."), **problems(*STAFF, "invalid")})
    def trail(
        member: Member = auditor,
        tracking_number: Annotated[str | None, Query(max_length=64)] = None,
        before: Before = None,
        limit: Limit = _PAGE,
    ) -> JSONResponse:
        """Who did what and when, the latest first; also about a request that is erased by now."""
        return JSONResponse(answers.trail(staff.trail(member, tracking_number, before, limit), limit))

    @router.get("/staff/figures", responses={200: good(answers.FiguresOut, "The figures."), **problems(*STAFF)})
    def figures(member: Member = counter) -> JSONResponse:
        """How many requests there are; nothing about any of them."""
        return JSONResponse(staff.figures(member))

    @router.get(
        "/outbox/dead", responses={200: good(answers.EntriesOut, "Those there are."), **problems(*STAFF, "invalid")}
    )
    def dead(member: Member = clerk, limit: Limit = _PAGE) -> JSONResponse:
        """Deliveries that were given up or refused, the oldest first."""
        return JSONResponse(answers.entries(staff.stuck(member, limit)))

    @router.post(
        "/outbox/{entry_id}/requeue",
        responses={200: good(answers.RequeuedOut, "It is tried again."), **problems(*STAFF, "not_found", "invalid")},
    )
    def requeue(
        entry_id: Annotated[int, Path(ge=1, le=schema.ID_MAX)],
        member: Member = dispatcher,
    ) -> JSONResponse:
        """Try a stuck delivery again from the beginning."""
        if not staff.requeue(member, entry_id):
            raise Refused(404, "not_found", "There is no stuck delivery of this number.")
        return JSONResponse({"id": entry_id, "state": "waiting"})

    return router
