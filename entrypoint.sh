#!/bin/sh
# PID 1's first step: our own subcommands, flags and nothing at all go to aim; any other command is run as it is.
case ${1-} in
  '' | -* | serve | plan | explain | fit | gpus | doctor | recipes | cache | dry-run | list-profiles | download-to-cache | status | why | healthcheck | help | version | worker | simulator) exec aim "$@" ;;
  *) exec "$@" ;;
esac
