# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += %D%/run-test %D%/run-all

# Tests begin in this order: those that take longest come first, so that none of them is left alone at the end.
include test/kill/local.mk
include test/system/local.mk
include test/vpn/local.mk
include test/audit/local.mk
include test/base/local.mk
include test/core/local.mk
include test/grid/local.mk
include test/ct/local.mk
include test/pskm/local.mk
include test/qkd/local.mk
include test/hubproto/local.mk
include test/store/local.mk
include test/client/local.mk
include test/hub/local.mk
include test/pkcs11/local.mk
include test/p11/local.mk
include test/tools/local.mk
include test/tls/local.mk
include test/integrations/local.mk
include test/sim/local.mk
include test/spec/local.mk
include test/bench/local.mk
include test/fuzz/local.mk
