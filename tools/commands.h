/* SPDX-License-Identifier: Apache-2.0 */
/* tools/commands.h - the functions behind the table of subcommands, one source each or a few. */
#ifndef DSKE_TOOLS_COMMANDS_H
#define DSKE_TOOLS_COMMANDS_H

#include "tools/tool.h"

typedef int command_run(const struct command *self, int argc, char **argv);

command_run cmd_init;
command_run cmd_hub_init;
command_run cmd_hub_status;
command_run cmd_hub_tables;
command_run cmd_hub_acknowledge;
command_run cmd_hub_revoke;
command_run cmd_pskm_retire;
command_run cmd_pskm_create;
command_run cmd_pskm_verify;
command_run cmd_pskm_import;
command_run cmd_pskm_accept;
command_run cmd_pskm_forget;
command_run cmd_pskm_activate;
command_run cmd_pskm_list;
command_run cmd_qkd_status;
command_run cmd_stock_create;
command_run cmd_stock_list;
command_run cmd_stock_accept;
command_run cmd_stock_retire;
command_run cmd_distributor_init;
command_run cmd_distributor_import;
command_run cmd_distributor_list;
command_run cmd_distributor_cut;
command_run cmd_distributor_report;
command_run cmd_distributor_retire;
command_run cmd_peer_add;
command_run cmd_peer_verify;
command_run cmd_peer_list;
command_run cmd_peer_show;
command_run cmd_peer_remove;
command_run cmd_policy_explain;
command_run cmd_policy_suggest;
command_run cmd_key_agree;
command_run cmd_key_list;
command_run cmd_key_export;
command_run cmd_key_check;
command_run cmd_ppk_load;
command_run cmd_ppk_unload;
command_run cmd_token_status;
command_run cmd_vpn_status;
command_run cmd_wg_status;
command_run cmd_token_init;
command_run cmd_token_pin;
command_run cmd_token_officer;
command_run cmd_doctor;
command_run cmd_status;
command_run cmd_version;

#endif
