"""Pages for verification without a framework: a request in, an answer out. `routes` and Django's views call it.

GET and HEAD change nothing: mail scanners open links. Every form is a POST that a person sends with a button.
"""

import logging
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from mailer.address import Address, mask
from mailer.errors import ConfigurationError, InvalidAddress, StoreError, TemporaryFailure
from mailer.stores.base import utcnow
from mailer.verification.results import Outcome
from mailer.verification.service import new_browser_secret
from mailer.verification.web.templates import PageTemplates
from mailer.verification.web.texts import (
    ASK_LIMITED,
    CODE_ERRORS,
    FOREIGN,
    NO_ADDRESS,
    REFUSALS,
    SENT,
    UNAVAILABLE,
    words_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from mailer.verification.policy import Purpose
    from mailer.verification.results import Asked, Checked
    from mailer.verification.service import Verification

log = logging.getLogger("mailer")
Method = Literal["code", "link"]
# RFC 6265bis: a cookie with this prefix is sent by this host alone, over https alone.
COOKIE, PLAIN_COOKIE = "__Host-verification", "verification"
# Longer than a link lives.
COOKIE_SECONDS = 14 * 24 * 3600
_SAFE = frozenset({"GET", "HEAD"})
# https://www.w3.org/TR/fetch-metadata/: a browser says where a request comes from. `Origin` does not help here: with
# Referrer-Policy: no-referrer it is `null`.
_OWN_SITE = frozenset({"", "same-origin", "none"})
_STATUS = {
    Outcome.ACCEPTED: 200,
    Outcome.READY: 200,
    Outcome.REPEATED: 200,
    Outcome.WRONG: 422,
    Outcome.EXHAUSTED: 422,
    Outcome.EXPIRED: 410,
    Outcome.UNKNOWN: 404,
    Outcome.OTHER_BROWSER: 403,
    Outcome.LIMITED: 429,
}
_HEADERS = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-robots-tag", "noindex, nofollow"),
    ("cross-origin-opener-policy", "same-origin"),
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WebRequest:
    """What a page needs of a request.

    Attributes:
        method: The method: `GET`, `HEAD` or `POST`.
        form: The fields of the form.
        browser: The value of the cookie `Pages.cookie`; empty without one.
        client: The IP address of the client.
        site: The header `Sec-Fetch-Site`; empty without one.
    """

    method: str
    form: "Mapping[str, str]" = field(default_factory=dict[str, str])
    browser: str = ""
    client: str = ""
    site: str = ""

    def __repr__(self) -> str:
        return f"<WebRequest {self.method}>"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WebAnswer:
    """What to answer.

    Attributes:
        status: The status of HTTP.
        body: The HTML page; leave it out in the answer to HEAD.
        headers: The headers, all of which must be sent.
        browser: The secret to set as the cookie `Pages.cookie`; empty to set none.
        checked: The code or link that was accepted, so that the application acts, and may answer instead; else None.
    """

    status: int
    body: str
    headers: tuple[tuple[str, str], ...]
    browser: str = ""
    checked: "Checked | None" = None

    def __repr__(self) -> str:
        return f"<WebAnswer {self.status}>"


class Pages:
    """The pages of a `Verification`. Threads may share it.

    Args:
        verification: Issues and checks the tokens.
        url: Where the pages are, as links say it: `https://app.example.com/verify`. It is not taken from requests,
            whose headers an attacker may write.
        templates: The HTML. Default: the library's.
        redirects: Origins that the application redirects to after a form, besides its own: `https://shop.example.com`.

    Raises:
        ConfigurationError: The URL is not absolute.
    """

    def __init__(
        self,
        verification: "Verification",
        *,
        url: str,
        templates: PageTemplates | None = None,
        redirects: "Sequence[str]" = (),
        clock: "Callable[[], datetime]" = utcnow,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            hint = 'Write it as "https://app.example.com/verify".'
            raise ConfigurationError(f"The URL of the verification pages is {url!r}, which is not absolute.", hint=hint)
        self._verification, self._url, self._clock = verification, url.rstrip("/"), clock
        self._templates = templates or PageTemplates()
        self._form_action = " ".join(["'self'", *redirects])
        self.is_secure = parts.scheme == "https"
        self.cookie = COOKIE if self.is_secure else PLAIN_COOKIE

    @property
    def cookie_header(self) -> str:
        """The attributes of the cookie, which stand behind its name and value in `Set-Cookie`."""
        secure = "; Secure" if self.is_secure else ""
        return f"; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}"

    def asked_address(self, request: WebRequest) -> str:
        """The address that a code or link is asked for, so that the application can look its account up.

        Empty if the request asks for none: a GET, a code that was entered, or a text that is no address.
        """
        if request.method != "POST" or "code" in request.form or request.site not in _OWN_SITE:
            return ""
        try:
            return Address.parse(request.form.get("address", "")).key
        except InvalidAddress:
            return ""

    def entry(
        self, purpose: "Purpose", request: WebRequest, *, method: Method, account: str | None = None
    ) -> WebAnswer:
        """The page that asks for an address and, with `method="code"`, for the code.

        Args:
            purpose: What the token is good for.
            request: The request.
            method: Whether a code or a link is sent.
            account: The account of `asked_address`, or an empty text for none; None if the address is not eligible.

        Returns:
            The answer. If `checked` is set, the code was accepted.
        """
        if request.method in _SAFE:
            return self._ask(purpose, request)
        if refused := self._refused_site(request):
            return refused
        try:
            if "code" in request.form and method == "code":
                return self._enter(purpose, request)
            return self._send(purpose, request, method, account)
        except InvalidAddress:
            return self._ask(purpose, request, NO_ADDRESS, 422)
        except (StoreError, TemporaryFailure) as error:
            return self._unavailable(error)

    def link(self, purpose: "Purpose", token: str, request: WebRequest) -> WebAnswer:
        """The page behind a link: a button. GET and HEAD only look; POST uses the link.

        Returns:
            The answer. If `checked` is set, the link was accepted.
        """
        if request.method not in _SAFE and (refused := self._refused_site(request)):
            return refused
        look = self._verification.look_at_link if request.method in _SAFE else self._verification.use_link
        try:
            checked = look(purpose, token, browser=request.browser)
        except StoreError as error:
            return self._unavailable(error)
        words = words_of(purpose.name)
        if checked.outcome is Outcome.READY:
            values = {"title": words.link, "address": mask(checked.address), "button": words.button}
            return self._page("link.html", values, checked)
        if checked.ok:
            return self._message(purpose, words.link, words.done, checked)
        if checked.outcome is Outcome.REPEATED:
            return self._message(purpose, words.link, words.repeated, checked, may_ask=words.may_ask)
        title, text = REFUSALS[checked.outcome]
        return self._message(purpose, title, text, checked, may_ask=checked.outcome is not Outcome.OTHER_BROWSER)

    def _ask(self, purpose: "Purpose", request: WebRequest, error: str = "", status: int = 200) -> WebAnswer:
        values = {"title": words_of(purpose.name).ask, "error": error, "address": request.form.get("address", "")}
        return replace(self._page("ask.html", values), status=status)

    def _send(self, purpose: "Purpose", request: WebRequest, method: Method, account: str | None) -> WebAnswer:
        address, browser = request.form.get("address", ""), request.browser or new_browser_secret()
        if method == "code":
            asked = self._verification.send_code(
                purpose,
                address,
                browser=browser,
                client=request.client,
                account=account or "",
                eligible=account is not None,
            )
        else:
            asked = self._verification.send_link(
                purpose,
                address,
                url=f"{self._url}/{purpose.name}/{{token}}",
                browser=browser,
                client=request.client,
                account=account or "",
                eligible=account is not None,
            )
        if not asked.ok:
            return self._with_retry(self._ask(purpose, request, ASK_LIMITED, 429), asked)
        answer = self._code(purpose, address) if method == "code" else self._sent(purpose, address)
        return replace(answer, browser=browser)

    def _sent(self, purpose: "Purpose", address: str) -> WebAnswer:
        title, text = SENT
        return self._message(purpose, title, text.format(address=address))

    def _code(self, purpose: "Purpose", address: str, error: str = "") -> WebAnswer:
        minutes = int(purpose.code_lifetime.total_seconds() // 60)
        title = words_of(purpose.name).ask
        return self._page("code.html", {"title": title, "error": error, "address": address, "minutes": minutes})

    def _enter(self, purpose: "Purpose", request: WebRequest) -> WebAnswer:
        address, code = request.form.get("address", ""), request.form["code"]
        checked = self._verification.check_code(purpose, address, code, browser=request.browser, client=request.client)
        if checked.ok:
            words = words_of(purpose.name)
            return self._message(purpose, words.ask, words.done, checked)
        answer = self._code(purpose, address, CODE_ERRORS[checked.outcome])
        return self._with_retry(replace(answer, status=_CODE_STATUS.get(checked.outcome, 422)), checked)

    def _message(
        self, purpose: "Purpose", title: str, text: str, checked: "Checked | None" = None, *, may_ask: bool = False
    ) -> WebAnswer:
        values = {"title": title, "text": text, "may_ask": may_ask, "ask_url": f"{self._url}/{purpose.name}"}
        return self._page("message.html", values, checked)

    def _page(self, name: str, values: "Mapping[str, object]", checked: "Checked | None" = None) -> WebAnswer:
        nonce = secrets.token_urlsafe(16)
        outcome = checked.outcome.value if checked else ""
        body = self._templates.render(name, {"error": "", **values, "nonce": nonce, "outcome": outcome})
        return WebAnswer(
            status=_STATUS[checked.outcome] if checked else 200,
            body=body,
            headers=(*_HEADERS, ("content-security-policy", self._policy(nonce))),
            checked=checked if checked and checked.ok else None,
        )

    def _policy(self, nonce: str) -> str:
        """Nothing but the page's own style and images of the same site: no script, no frame, no other site."""
        return (
            f"default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self'; form-action {self._form_action}; "
            "base-uri 'none'; frame-ancestors 'none'"
        )

    def _refused_site(self, request: WebRequest) -> WebAnswer | None:
        """Refuse a form that another site's page sent, which would sign a visitor in to the attacker's account."""
        if request.site in _OWN_SITE:
            return None
        title, text = FOREIGN
        return replace(self._plain(title, text), status=403)

    def _unavailable(self, error: Exception) -> WebAnswer:
        log.warning("A verification page is not available: %s", error)
        title, text = UNAVAILABLE
        return replace(self._plain(title, text), status=503)

    def _plain(self, title: str, text: str) -> WebAnswer:
        return self._page("message.html", {"title": title, "text": text, "may_ask": False, "ask_url": self._url})

    def _with_retry(self, answer: WebAnswer, refusal: "Asked | Checked") -> WebAnswer:
        if refusal.retry_at is None:
            return answer
        seconds = max(1, round((refusal.retry_at - self._clock()).total_seconds()))
        return replace(answer, headers=(*answer.headers, ("retry-after", str(seconds))))


_CODE_STATUS = {Outcome.LIMITED: 429}
