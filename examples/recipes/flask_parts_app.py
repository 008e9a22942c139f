"""Webhook endpoints in a Flask blueprint, and in a `MethodView`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import common
from flask import Blueprint, Flask
from flask.views import MethodView
from revrag.webhooks.flask import webhook

if TYPE_CHECKING:
    from revrag import WebhookEvent

blueprint = Blueprint("webhooks", __name__)


@blueprint.post("/revrag")
@webhook(common.verifier, store=common.store)
def call_ended(event: WebhookEvent) -> None:
    """Take a delivery."""
    common.call_ended(event)


class OfClass(MethodView):
    """The decorator goes on the method."""

    @webhook(common.verifier, store=common.store)
    def post(self, event: WebhookEvent) -> dict[str, str]:
        """Take a delivery."""
        common.call_ended(event)
        return {"handled": event.id}


blueprint.add_url_rule("/class", view_func=OfClass.as_view("of_class"))
app = Flask(__name__)
app.register_blueprint(blueprint)
