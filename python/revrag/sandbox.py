"""The service in miniature, for trying things out, for tests and for demos.

Example:
    >>> from revrag.sandbox import Sandbox
    >>> with Sandbox() as service:
    ...     service.client().campaign(service.campaign_id).status().status
    'running'
"""

from revrag._revrag import Sandbox

__all__ = ["Sandbox"]
