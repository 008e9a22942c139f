#!/bin/sh
# The day's leads from cron, every ten minutes until they have gone:
#
#   */10 9-18 * * *  . "$HOME/.revrag-env" && /opt/revrag/cron_job.sh /data/leads.csv
#
# The same command may run as often as it likes: a row goes once by its key, whatever was killed before. While one
# runs, the next is refused. The key of the service is in ~/.revrag-env, which only its owner can read.
set -u

status=0
revrag push "$1" --key crm_id --name "daily-$(date +%F)" --rejects "$1.rejects.csv" --yes || status=$?

# 1: all went that can go now, and some rows stay home; the file of rejects says why. Those that the service
# failed on are tried again by the next run.
[ "$status" -le 1 ] || {
	echo "revrag push ended with $status, and goes on with the next run" >&2
	exit "$status"
}
