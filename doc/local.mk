# SPDX-License-Identifier: Apache-2.0
dist_doc_DATA += README LICENSE SECURITY.md %D%/architecture.md %D%/benchmarks.md %D%/dependencies.md \
	%D%/distributors.md %D%/dske.cddl %D%/long-runs.md %D%/mailbox.md %D%/scaling.md \
	%D%/protocol.md %D%/pskm-format.md %D%/qkd.md %D%/requirements.md %D%/threat-model.md %D%/token.md %D%/wireguard.md
# How other programs use the token.
integrationsdir = $(docdir)/integrations
dist_integrations_DATA = %D%/integrations/gnutls.md %D%/integrations/java.md %D%/integrations/openssl.md %D%/integrations/p11-kit.md \
	%D%/integrations/python.md %D%/integrations/strongswan.md %D%/integrations/stunnel.md %D%/integrations/unlock.md
EXTRA_DIST += CONTRIBUTING.md %D%/figure5.csv %D%/figure5.svg %D%/grid.csv %D%/grid-long.csv %D%/grid.svg %D%/table1.csv %D%/table1.svg \
	%D%/packages-build.txt %D%/packages-demo.txt %D%/packages-test.txt
