"""A webhook endpoint in Pyramid."""

from __future__ import annotations

from common import call_ended, store, verifier
from pyramid.config import Configurator
from pyramid.wsgi import wsgiapp
from revrag.webhooks import wsgi

with Configurator() as config:
    config.add_route("revrag", "/revrag")
    config.add_view(wsgiapp(wsgi.endpoint(call_ended, verifier, store=store)), route_name="revrag")
    app = config.make_wsgi_app()
