"""The handlers of the score page and its forms."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.domain.errors import InvalidInput, NotFound, Unavailable
from gateway.domain.scoring.record import Dimension
from gateway.domain.scoring.what_if import Choice
from gateway.services.identity.accounts import BrowserSession
from gateway.services.scoring.person_scores import PersonScore
from gateway.web.errors import PageError
from gateway.web.own_forms import CSRF_FIELD, FOREIGN_FORM
from gateway.web.pages.account.score.chart import draw_chart
from gateway.web.pages.account.score.choice import describe_form, read_choice
from gateway.web.pages.account.score.result import describe_requests, describe_result
from gateway.web.pages.account.score.view import (
    NOT_USED,
    describe_dimensions,
    describe_score,
    describe_switches,
)
from gateway.web.site.redirects import ACCOUNT, request_login, see_other
from gateway.web.site.site import Site
from gateway.web.texts import msgid

SCORE = f"{ACCOUNT}/score"
_SHARING = f"{SCORE}#sharing"
_ANSWERS = {"yes": True, "no": False}
_RETRY_AFTER = 60
_UNKNOWN_STEP = msgid("You cannot choose this. Please open the page again and choose from the lists.")
_UNKNOWN_SWITCH = msgid("You cannot share this.")
_UNAVAILABLE = msgid("Your score cannot be fetched now. Please try again in a minute.")


class ScorePage:
    """The page at /account/score, its what-if, and the form that shares a dimension or stops to share it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def routes(self) -> list[Route]:
        return [Route(SCORE, self.show), Route(f"{SCORE}/sharing", self.share, methods=["POST"])]

    async def show(self, request: Request) -> Response:
        """The person's score, and the result of the steps in the address; 303 to the login page if nobody is signed in;
        422 for steps that cannot be chosen; 503 if the score cannot be fetched."""
        session = await self._site.sessions.current(request)
        if session is None or session.user_id is None:
            return request_login(request, SCORE)
        try:
            choice = read_choice(request.query_params)
        except InvalidInput:
            raise PageError(422, _UNKNOWN_STEP) from None
        try:
            name, person = await run_in_threadpool(self._load, session.user_id, choice)
        except Unavailable:
            raise PageError(503, _UNAVAILABLE, retry_after=_RETRY_AFTER) from None
        return self._show(request, session, name, person, choice)

    async def share(self, request: Request) -> Response:
        """Shares an optional dimension or stops to share it; 303 back to the page. 422 for anything else."""
        session, form = await self._site.sessions.submitted(request)
        if session.user_id is None:
            raise PageError(403, FOREIGN_FORM)
        user_id, scores = session.user_id, self._site.container.person_scores
        name, share = form.get("dimension", ""), _ANSWERS.get(form.get("share", ""))
        if name not in Dimension.__members__ or share is None:
            raise PageError(422, _UNKNOWN_SWITCH)
        try:
            await run_in_threadpool(lambda: scores.choose_sharing(user_id, Dimension(name), share=share))
        except (InvalidInput, NotFound):
            raise PageError(422, _UNKNOWN_SWITCH) from None
        return see_other(_SHARING)

    def _load(self, user_id: str, choice: Choice) -> tuple[str, PersonScore]:
        container = self._site.container
        user = container.database.read(lambda unit: container.accounts.load_user(unit, user_id))
        return user.display_name, container.person_scores.load(user_id, choice)

    def _show(
        self, request: Request, session: BrowserSession, name: str, person: PersonScore, choice: Choice
    ) -> Response:
        texts, view = self._site.renderer.texts(request), person.scorecard
        projection = view.projection if view else None
        return self._site.renderer.page(
            request,
            "pages/account/score/score.html",
            name=name,
            score=describe_score(texts, person),
            scorecard=view is not None,
            chart=draw_chart(texts, view.card, view.months) if view else None,
            dimensions=describe_dimensions(texts, view) if view else (),
            base=view.card.rules.base if view else 0,
            card=view.card.version if view else "",
            form=describe_form(texts, view.situation, choice) if view else None,
            result=describe_result(texts, person, projection, choice) if projection else None,
            requests=person.requests,
            merchants=describe_requests(texts, person),
            switches=describe_switches(texts, view) if view else None,
            not_used=NOT_USED,
            csrf_field=CSRF_FIELD,
            csrf_token=session.csrf_token,
        )
