#!/bin/sh
# Finds Wine for the tests in tests/windows, or installs Debian's where that can be done. Never fails: a machine
# without one skips these tests, and they say so.
command -v wine >/dev/null 2>&1 && exit 0
if [ "$(uname -m)" = x86_64 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing wine for the tests of the agent on Windows"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends wine wine64 >/dev/null && exit 0
fi
echo "no Wine found and none can be installed here: the tests of the agent on Windows will be skipped"
