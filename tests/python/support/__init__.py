"""What the tests stand on: scripts in processes of their own, and servers to talk to."""

CAMPAIGN_ID = "11111111-1111-1111-1111-111111111111"
