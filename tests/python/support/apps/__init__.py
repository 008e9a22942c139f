"""Webhook endpoints for real servers; the environment says how they are set up."""
