"""A reader's preferences: one canonical cookie, so that shared caches keep few variants of a page."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Blueprint, Flask, Response, g, redirect, request

from board.i18n import LANGUAGES

COOKIE = "prefs"
THEMES = ("auto", "light", "dark")
SIZES = ("m", "l", "xl", "xxl")
YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Prefs:
    """Theme, text size, care mode and language; the defaults give an empty cookie."""

    theme: str = "auto"
    text: str = "m"
    care: bool = False
    language: str = "zh"

    def cookie(self) -> str:
        """The one way to write these preferences, e.g. `dark.l.1.en`."""
        return f"{self.theme}.{self.text}.{int(self.care)}.{self.language}"

    @classmethod
    def read(cls, raw: str | None) -> Prefs:
        """Preferences from a cookie; whatever is not canonical gives the defaults."""
        parts = (raw or "").split(".")
        if len(parts) != 4:
            return cls()
        theme, text, care, language = parts
        if (
            theme not in THEMES
            or text not in SIZES
            or care not in "01"
            or language not in LANGUAGES
            or not care
        ):
            return cls()
        return cls(theme, text, care == "1", language)

    def changed(self, form: dict[str, str]) -> Prefs:
        """These preferences with what a form sets; unknown values change nothing."""
        new = self
        if form.get("theme") in THEMES:
            new = replace(new, theme=form["theme"])
        if form.get("text") in SIZES:
            new = replace(new, text=form["text"])
        if form.get("care") in ("0", "1"):
            care = form["care"] == "1"
            new = replace(new, care=care, text=("l" if new.text == "m" else new.text) if care else "m")
        if form.get("language") in LANGUAGES:
            new = replace(new, language=form["language"])
        return new


def current() -> Prefs:
    """This request's reader's preferences."""
    if "prefs" not in g:
        g.prefs = Prefs.read(request.cookies.get(COOKIE))
    prefs: Prefs = g.prefs
    return prefs


bp = Blueprint("prefs", __name__)


@bp.post("/prefs")
def change() -> Response:
    """Set what the form names and go back to where the reader was."""
    from board.web import safe_next

    new = current().changed(request.form.to_dict())
    response = redirect(safe_next(request.form.get("next")), 303)
    response.set_cookie(
        COOKIE, new.cookie(), max_age=YEAR, samesite="Lax", httponly=True, secure=request.is_secure
    )
    return response  # type: ignore[return-value]


def init_app(app: Flask) -> None:
    app.register_blueprint(bp)

    @app.context_processor
    def preferences() -> dict[str, Prefs]:
        return {"prefs": current() if request else Prefs()}
