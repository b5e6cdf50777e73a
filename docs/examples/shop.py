"""A demo shop at a sandbox of Sesame Gateway: buy now, pay later. Read it from top to bottom.

    make run                                                            # the sandbox, in another terminal
    .venv/bin/python docs/examples/shop.py .sandbox/credentials.json    # prints the address of the shop

All that it imports is in the gateway's own environment. It forgets everything when it ends. A real shop keeps orders,
tokens and events in its database, and has the buttons of "The shop's side" in its back office.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any
from urllib.parse import urlencode

import httpx2
import uvicorn
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from jinja2 import ChainableUndefined, DictLoader, Environment
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

PRICES = {"Teapot": 180, "Bicycle": 1500, "Piano": 4800}
DETAILS = [{"type": "decision", "products": ["PAY_LATER"], "maximum_amount": {"amount": "5000.00", "currency": "CNY"}}]
PARTS = """fragment Parts on Decision { id status availableTransitions
  settlement { settled { amount } outstanding { amount } dueAt overdue }
  outcome { ... on Decline { noticeText alternatives } } }"""
READ = "query Read($id: ID!) { decision(by: {id: $id}) { ...Parts } }" + PARTS
CHANGE = """mutation Change($input: {0}Input!) {{ {1}(input: $input) {{
  decision {{ ...Parts }} userErrors {{ code message }} }} }}"""
ENDPOINTS = "{ merchant { webhookEndpoints(first: 20) { nodes { id url } } } }"
DELETE = "mutation Delete($id: ID!) { webhookEndpointDelete(id: $id) { userErrors { code message } } }"
CREATE = """mutation Create($url: String!) { webhookEndpointCreate(input: {url: $url, topics: [
  DECISION_APPROVED, DECISION_DECLINED, DECISION_ACTIVATED, DECISION_REDUCED, DECISION_FULFILLED, DECISION_CANCELLED,
  DECISION_OVERDUE, CONSENT_GRANTED, CONSENT_REVOKED, CONSENT_EXPIRED]}) {
  signingSecret userErrors { code message } } }"""


def change(name: str) -> str:
    """Returns the document of a mutation that changes a decision, such as DecisionCancel."""
    return CHANGE.format(name, name[0].lower() + name[1:]) + PARTS


class Refused(Exception):
    """The gateway did not do what the shop asked for. `code` is for programs, the text is for engineers."""

    def __init__(self, code: str, text: object) -> None:
        super().__init__(str(text))
        self.code = code


class Account:
    """A token with its calls: the shop's own token (with `scope`), or that of one person. It gets a new token when the
    old one ends, and repeats a call that got no answer: each change has an idempotency key, so this is safe."""

    def __init__(self, server: dict[str, Any], client: dict[str, Any], scope: str = "") -> None:
        self.url, self.scope, secret = server["graphql"], scope, client["client_secret"]
        token_endpoint = server["token_endpoint"]
        self.http = AsyncOAuth2Client(client["client_id"], secret, token_endpoint=token_endpoint, timeout=10)
        self.lock = asyncio.Lock()  # a refresh token works once, so only one call at a time may use it

    async def get_token(self, **grant: str) -> dict[str, Any]:
        """Gets a token by a code, by the refresh token, or by the client's own secret."""
        try:
            if grant or self.scope:
                form = grant or {"grant_type": "client_credentials", "scope": self.scope}
                return dict(await self.http.fetch_token(**form))
            return dict(await self.http.refresh_token())
        except (OAuthError, httpx2.HTTPError) as error:  # for example, the person has ended the consent
            raise Refused("UNAUTHENTICATED", error) from error

    async def execute(self, document: str, **variables: Any) -> Any:
        """Returns the field of the response. Raises Refused for an error of the request, and for a user error."""
        async with self.lock:
            response = await self.send(document, variables)
            if response.status_code == 401:
                await self.get_token()
                response = await self.send(document, variables)
        body = response.json()
        (payload,) = (body.get("data") or {"": {}}).values()
        for error in body.get("errors") or payload.get("userErrors") or ():
            code = error.get("code") or error["extensions"]["code"]
            print(f"{code} {error['message']} {body['extensions']['requestId']}", file=sys.stderr)
            raise Refused(code, error["message"])
        return payload

    async def send(self, document: str, variables: dict[str, Any]) -> httpx2.Response:
        """Posts a call up to three times, each time with the same idempotency key."""
        for seconds in (0.2, 1, 0):
            try:
                body = {"query": document, "variables": variables}
                response: httpx2.Response = await self.http.post(self.url, json=body)
                if response.status_code < 500 and response.status_code != 429:
                    return response
                seconds = min(float(response.headers.get("retry-after", seconds)), 5)
            except httpx2.TransportError as error:  # the call may have been executed
                print(f"No answer: {error}", file=sys.stderr)
            except OAuthError as error:  # Authlib refreshes a token that is about to end, and could not
                raise Refused("UNAUTHENTICATED", error) from error
            await asyncio.sleep(seconds)
        raise Refused("UNAVAILABLE", "three attempts failed")


@dataclass
class Shopper:
    """A browser, with what its person allowed the shop."""

    id: str = field(default_factory=token_urlsafe)
    account: Account | None = None
    consent: str = ""


@dataclass
class Order:
    """An order. The keys of its calls are made of its number, so that a repeated call has the same key."""

    shopper: Shopper
    item: str
    quantity: int
    days: int = 30
    number: str = field(default_factory=lambda: f"order-{token_hex(4)}")
    returned: int = 0
    unanswered: bool = False
    decision: dict[str, Any] | None = None
    message: str = ""

    def amount(self) -> dict[str, str]:
        return {"amount": f"{PRICES[self.item] * (self.quantity - self.returned)}.00", "currency": "CNY"}


class Shop:
    """The state of the shop, and what it does at the gateway."""

    def __init__(self, credentials: dict[str, Any], port: int) -> None:
        self.issuer, self.url, self.secret = credentials["issuer"], f"http://127.0.0.1:{port}", ""
        merchant = next(each for each in credentials["merchants"] if each["adapter"] == "online_shop")
        self.client = next(each for each in merchant["clients"] if each["profile"] == "baseline")
        metadata = httpx2.get(f"{self.issuer}/.well-known/oauth-authorization-server").json()
        self.server = {**metadata, "graphql": credentials["graphql"]}
        self.own = Account(self.server, self.client, "decisions:read decisions:write webhooks:manage consents:read")
        self.shoppers: dict[str, Shopper] = {}
        self.orders: dict[str, Order] = {}
        self.waiting: dict[str, tuple[Order, str]] = {}
        self.events: dict[str, dict[str, Any]] = {}

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Gets the shop's own token, and creates its endpoint for webhooks. Deletes the endpoint at the end."""
        await self.own.get_token()
        await self.delete_endpoint()  # an earlier run may have left one
        self.secret = (await self.own.execute(CREATE, url=f"{self.url}/webhooks"))["signingSecret"]
        yield
        await self.delete_endpoint()

    async def delete_endpoint(self) -> None:
        for endpoint in (await self.own.execute(ENDPOINTS))["webhookEndpoints"]["nodes"]:
            if endpoint["url"] == f"{self.url}/webhooks":
                await self.own.execute(DELETE, id=endpoint["id"])

    async def ask_for_consent(self, order: Order) -> str:
        """Pushes an authorization request (RFC 9126). Returns the address of the page where the person decides."""
        state, verifier = token_urlsafe(), token_urlsafe(48)
        form = {
            "response_type": "code",
            "redirect_uri": f"{self.url}/callback",
            "authorization_details": json.dumps(DETAILS),
            "state": state,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        secret = (self.client["client_id"], self.client["client_secret"])
        pushed = await self.own.http.post(self.server["pushed_authorization_request_endpoint"], data=form, auth=secret)
        if pushed.status_code != 201:
            raise Refused("CONSENT_REQUEST", pushed.text)
        self.waiting[state] = order, verifier
        query = urlencode({"client_id": secret[0], "request_uri": pushed.json()["request_uri"]})
        return f"{self.server['authorization_endpoint']}?{query}"

    async def accept_consent(self, shopper: Shopper, code: str, verifier: str) -> Account:
        """Exchanges the code for the tokens of this person."""
        account, redirect_uri = Account(self.server, self.client), f"{self.url}/callback"
        grant = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        tokens = await account.get_token(**grant, redirect_uri=redirect_uri)
        shopper.account, shopper.consent = account, tokens["grant_id"]
        return account

    async def request_decision(self, order: Order, account: Account) -> None:
        """Asks whether this order may be paid later. After a decline, less is a new request with a new key."""
        name = f"{order.number}-{order.quantity}-{order.days}"
        ask = {"onlineOrder": {"amount": order.amount(), "payWithin": f"P{order.days}D"}}
        call = {"idempotencyKey": name, "merchantReference": name, "ask": ask}
        order.decision = (await account.execute(change("DecisionRequest"), input=call))["decision"]

    async def report(self, order: Order, step: str) -> None:
        """Reports what happened to an order, with the shop's own token: this works after the consent has ended."""
        assert order.decision is not None
        call = {"decisionId": order.decision["id"], "idempotencyKey": f"{order.number}-{step}-{order.returned}"}
        if step == "return":
            rest = Order(order.shopper, order.item, order.quantity, returned=order.returned + 1)
            call |= {"newAmount": rest.amount(), "reason": "One item came back."}
        order.decision = (await self.own.execute(change(STEPS[step][2]), input=call))["decision"]
        order.returned += step == "return"

    def receive(self, event: dict[str, Any]) -> None:
        """Stores an event, which may come twice. If a consent has ended, what it let the shop store goes."""
        self.events.setdefault(event["id"], event)
        for shopper in self.shoppers.values():
            if event["type"] in {"consent.revoked", "consent.expired"} and shopper.consent == event["subject"]["id"]:
                shopper.account, shopper.consent = None, ""


# The buttons of the shop's side: the transition that must be possible, the text, and the mutation.
STEPS = {
    "deliver": ("ACTIVATE", "The goods are delivered", "DecisionActivate"),
    "pay": ("FULFILL", "The person has paid", "DecisionFulfill"),
    "return": ("REDUCE", "One item came back", "DecisionReduce"),
    "cancel": ("CANCEL", "The order is called off", "DecisionCancel"),
}
WORDS = {
    "PENDING": "We look at your request. Load this page again later.",
    "APPROVED": "You can pay later. We are packing your order.",
    "DECLINED": "You cannot pay this order later.",
    "ACTIVE": "Your order is delivered.",
    "FULFILLED": "Everything is settled. Thank you.",
    "CANCELLED": "The order is called off. You owe nothing.",
    "EXPIRED": "We did not deliver in time. You owe nothing.",
    "BREACHED": "Your payment is missing.",
    "CONSENT_AMOUNT_EXCEEDED": "You allowed less than this order costs. Buy less, or allow more.",
    "UNAVAILABLE": "The service for paying later does not answer. Try again: nothing happens twice.",
    "INVALID_TRANSITION": "This is not possible any more.",
    "WRONG_CALLBACK": "This link does not belong to an order of yours. Begin at the order again.",
}
CSS = """body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; color: #1c2b24 }
nav, main { max-width: 42rem; margin: 0 auto; padding: 1rem }
nav a { margin-right: 1rem } a { color: #0b5d3b } h1 { font-size: 1.6rem } h2 { font-size: 1.1rem }
section, [role=status] { border: 1px solid #ccd6d0; border-radius: .5rem; padding: .5rem 1rem; margin: 1rem 0 }
[role=status] { background: #eaf4ee } form { display: inline-block; margin: .25rem .5rem .25rem 0 }
button, select { font: inherit; padding: .4rem .8rem; border: 1px solid #0b5d3b; border-radius: .4rem }
button { background: #0b5d3b; color: #fff }"""
PAGES = {
    "page": """<!doctype html><html lang="en"><meta charset="utf-8"><title>{{ title }} - Demo Shop</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/shop.css">
<nav><a href="/">Goods and orders</a> <a href="/events">Events</a>
<a href="{{ issuer }}/account">What you allowed</a></nav>
<main><h1>{{ title }}</h1>{% block main %}{% endblock %}</main></html>""",
    "goods": """{% extends "page" %}{% block main %}<p>Buy now, pay later.</p>{% for item, price in prices.items() %}
<section><h2>{{ item }}</h2><p>CN¥{{ price }}</p><form method="post" action="/orders">
<input type="hidden" name="item" value="{{ item }}"><label>Number <select name="quantity">
<option>1<option>2<option>3</select></label> <button>Buy</button></form></section>{% endfor %}
{% for order in orders %}{% if loop.first %}<h2>Your orders</h2>{% endif %}<p><a href="/orders/{{ order.number }}">
{{ order.number }}</a>: {{ order.quantity }} × {{ order.item }}</p>{% endfor %}{% endblock %}""",
    "order": """{% extends "page" %}{% set decision = order.decision %}{% block main %}
<p>{{ order.number }}: CN¥{{ order.amount().amount }}{% if order.returned %},
{{ order.returned }} came back{% endif %}</p><div role="status"><p>{{ message }}</p>
{% if decision.outcome.noticeText %}<p>{{ decision.outcome.noticeText }}</p>{% endif %}
{% if decision.settlement %}<p>Paid CN¥{{ decision.settlement.settled.amount }}, still to pay
CN¥{{ decision.settlement.outstanding.amount }} by {{ decision.settlement.dueAt[:10] }}.</p>{% endif %}</div>
{% if not decision or decision.outcome.alternatives %}<form method="post" action="/orders/{{ order.number }}/request">
<label>Number <select name="quantity">{% for each in range(1, order.quantity + 1) %}
<option{% if each == order.quantity %} selected{% endif %}>{{ each }}{% endfor %}</select></label>
<label>Pay within <select name="days"><option value="30">30 days<option value="14">14 days<option value="7">7 days
</select></label> <button>Buy now, pay later</button></form>{% endif %}
{% if decision.availableTransitions %}<section><h2>The shop's side</h2>{% for step, (transition, text, _) in steps %}
{% if transition in decision.availableTransitions %}<form method="post" action="/orders/{{ order.number }}/{{ step }}">
<button>{{ text }}</button></form>{% endif %}{% endfor %}</section>{% endif %}{% endblock %}""",
    "events": """{% extends "page" %}{% block main %}<p>Each came to the shop as a webhook with a valid signature.</p>
{% for event in events %}<p><strong>{{ event.type }}</strong> {{ event.data.merchantReference }}<br>
{{ event.timestamp[:19] | replace("T", " ") }} UTC</p>{% endfor %}{% endblock %}""",
    "problem": """{% extends "page" %}{% block main %}<p role="alert">{{ message }}</p>{% endblock %}""",
}
TEMPLATES = Environment(loader=DictLoader(PAGES), autoescape=True, undefined=ChainableUndefined)


class Site(Shop):
    """The pages of the shop, its redirect URI, and its receiver of webhooks."""

    def application(self) -> Starlette:
        routes = [
            Route("/", self.show_goods),
            Route("/orders", self.buy, methods=["POST"]),
            Route("/orders/{number}", self.show_order),
            Route("/orders/{number}/request", self.pay_later, methods=["POST"]),
            Route("/orders/{number}/{step}", self.take_step, methods=["POST"]),
            Route("/callback", self.callback),
            Route("/events", self.show_events),
            Route("/webhooks", self.webhook, methods=["POST"]),
            Route("/shop.css", lambda _: Response(CSS, media_type="text/css")),
        ]
        return Starlette(routes=routes, lifespan=self.lifespan, exception_handlers={Refused: self.problem})

    def shopper_of(self, request: Request) -> Shopper | None:
        return self.shoppers.get(request.cookies.get("demo_shop", ""))

    def order_of(self, request: Request) -> Order:
        """Returns the order of the address, which must be one of this browser."""
        order = self.orders.get(request.path_params["number"])
        if order is None or order.shopper is not self.shopper_of(request):
            raise HTTPException(404)
        return order

    def page(self, request: Request, name: str, title: str, status: int = 200, **values: Any) -> Response:
        shopper = self.shopper_of(request) or Shopper()
        self.shoppers[shopper.id] = shopper
        response = HTMLResponse(TEMPLATES.get_template(name).render(title=title, issuer=self.issuer, **values), status)
        # Lax: the browser sends the cookie when it comes back from the gateway, but not with forms of other sites.
        response.set_cookie("demo_shop", shopper.id, httponly=True, samesite="lax")
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'self'; frame-ancestors 'none'"
        return response

    async def show_goods(self, request: Request) -> Response:
        orders = [order for order in self.orders.values() if order.shopper is self.shopper_of(request)]
        return self.page(request, "goods", "Goods", prices=PRICES, orders=orders)

    async def show_events(self, request: Request) -> Response:
        return self.page(request, "events", "Events", events=reversed(self.events.values()))

    async def problem(self, request: Request, error: Exception) -> Response:
        """Shows an error in plain words. Its own text is for engineers."""
        code = getattr(error, "code", "")
        message = WORDS.get(code, "That did not work. Please ask the shop.")
        return self.page(request, "problem", "A problem", 503 if code == "UNAVAILABLE" else 409, message=message)

    async def buy(self, request: Request) -> Response:
        form, shopper = await request.form(), self.shopper_of(request)
        item, quantity = str(form.get("item")), str(form.get("quantity"))
        if shopper is None or item not in PRICES or quantity not in {"1", "2", "3"}:
            raise HTTPException(400)
        order = Order(shopper, item, int(quantity))
        self.orders[order.number] = order
        return RedirectResponse(f"/orders/{order.number}", 303)

    async def show_order(self, request: Request) -> Response:
        """Reads the decision again: a manual review may have ended, or a due date may have passed."""
        order = self.order_of(request)
        if order.decision is not None:
            order.decision = await self.own.execute(READ, id=order.decision["id"])
        message = order.message or (WORDS[order.decision["status"]] if order.decision else "Not ordered yet.")
        return self.page(
            request, "order", f"{order.quantity} × {order.item}", order=order, message=message, steps=STEPS.items()
        )

    async def pay_later(self, request: Request) -> Response:
        """Requests the decision. If the person has not allowed that yet, they decide at the gateway first."""
        order, form = self.order_of(request), await request.form()
        quantity, days = str(form.get("quantity")), str(form.get("days"))
        if quantity not in {"1", "2", "3"} or days not in {"30", "14", "7"}:
            raise HTTPException(400)
        if not order.unanswered:  # else the same request is repeated, because it may have been granted
            order.quantity, order.days = int(quantity), int(days)
        if order.shopper.account is None:
            return RedirectResponse(await self.ask_for_consent(order), 303)
        return await self.decide(order, order.shopper.account)

    async def callback(self, request: Request) -> Response:
        """The redirect URI. After a double click the browser comes twice; the second time, nothing is done."""
        query, shopper = request.query_params, self.shopper_of(request)
        order, verifier = self.waiting.get(query.get("state", ""), (None, ""))
        if order is None or order.shopper is not shopper or query.get("iss") != self.issuer:
            raise Refused("WRONG_CALLBACK", "another state, browser or issuer")
        self.waiting[query["state"]] = order, ""
        if verifier and "code" in query:
            return await self.decide(order, await self.accept_consent(shopper, query["code"], verifier))
        if verifier:
            order.message = "You did not allow it. Nothing is ordered."
        return RedirectResponse(f"/orders/{order.number}", 303)

    async def decide(self, order: Order, account: Account) -> Response:
        order.message, order.unanswered = "", False
        try:
            await self.request_decision(order, account)
        except Refused as error:
            order.message = WORDS.get(error.code, "Your permission has ended. Buy again to give a new one.")
            order.unanswered = error.code == "UNAVAILABLE"
            if not order.unanswered:
                order.shopper.account = None  # the next attempt asks the person again
        return RedirectResponse(f"/orders/{order.number}", 303)

    async def take_step(self, request: Request) -> Response:
        order, step = self.order_of(request), request.path_params["step"]
        if step not in STEPS or order.decision is None:
            raise HTTPException(404)
        await self.report(order, step)
        return RedirectResponse(f"/orders/{order.number}", 303)

    async def webhook(self, request: Request) -> Response:
        """Receives an event. The signature is over the bytes of the body, so it is verified before they are parsed."""
        if int(request.headers.get("content-length", "65537")) > 65_536:
            return Response(status_code=413)
        try:
            event = Webhook(self.secret).verify(await request.body(), dict(request.headers))
        except (WebhookVerificationError, ValueError):
            return Response(status_code=400)
        self.receive(event)
        return Response(status_code=204)


def main() -> None:
    parser = argparse.ArgumentParser(description="A demo shop at a sandbox of Sesame Gateway.")
    parser.add_argument("credentials", type=Path, help="the credentials file of the sandbox or of a partner")
    parser.add_argument("--port", type=int, default=9000, help="the port on 127.0.0.1")
    options = parser.parse_args()
    site = Site(json.loads(options.credentials.read_text()), options.port)
    print(f"The shop is at {site.url}. Ctrl-C ends it.", flush=True)
    uvicorn.run(site.application(), port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
