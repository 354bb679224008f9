# SPDX-License-Identifier: Apache-2.0
dist_man_MANS += %D%/dske.1 %D%/dske-pkcs11.7 %D%/libdske-tls.3 %D%/dske.conf.5 %D%/dske-hubd.8 %D%/dske-hubd.conf.5 %D%/dske-vpn.8 %D%/dske-vpn.conf.5 %D%/dske-wg.8 %D%/dske-wg.conf.5
