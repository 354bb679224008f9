/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/calls.h - every function of PKCS#11 2.40, 3.0 and 3.2, once, in the order of the function lists.
 * The guards, the function lists and the types of the 3.x lists are made from these rows.
 *
 *	X(GUARD, name, handler, (parameters), (, arguments of the handler after the first ones))
 *
 * The guard says what stands between the caller and the handler (entry.c):
 *	ALWAYS   nothing; handler(arguments)
 *	MODULE   initialised in this process; handler(module, arguments)
 *	SESSION  and the first parameter is an open session; handler(module, session, arguments)
 *	ABSENT   not supported: CKR_FUNCTION_NOT_SUPPORTED once initialised
 *	LEGACY   CKR_FUNCTION_NOT_PARALLEL once initialised (PKCS#11 2.40, 5.15)
 */
#ifndef DSKE_PKCS11_CALLS_H
#define DSKE_PKCS11_CALLS_H

/* clang-format off */
#define CALLS_2_40(X) \
X(ALWAYS, C_Initialize, module_initialize, (CK_VOID_PTR args), (args)) \
X(ALWAYS, C_Finalize, module_finalize, (CK_VOID_PTR reserved), (reserved)) \
X(MODULE, C_GetInfo, slot_module_info, (CK_INFO_PTR info), (, info)) \
X(ALWAYS, C_GetFunctionList, entry_function_list, (CK_FUNCTION_LIST_PTR_PTR list), (list)) \
X(MODULE, C_GetSlotList, slot_list, (CK_BBOOL present, CK_SLOT_ID_PTR list, CK_ULONG_PTR n), (, present, list, n)) \
X(MODULE, C_GetSlotInfo, slot_info, (CK_SLOT_ID slot, CK_SLOT_INFO_PTR info), (, slot, info)) \
X(MODULE, C_GetTokenInfo, slot_token_info, (CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info), (, slot, info)) \
X(MODULE, C_GetMechanismList, mech_list, (CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR n), (, slot, list, n)) \
X(MODULE, C_GetMechanismInfo, mech_info, (CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info), (, slot, type, info)) \
X(MODULE, C_InitToken, login_init_token, (CK_SLOT_ID slot, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len, CK_UTF8CHAR_PTR label), (, slot, pin, pin_len, label)) \
X(SESSION, C_InitPIN, login_init_pin, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len), (, pin, pin_len)) \
X(SESSION, C_SetPIN, login_set_pin, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR old, CK_ULONG old_len, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len), (, old, old_len, pin, pin_len)) \
X(MODULE, C_OpenSession, session_open, (CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify, CK_SESSION_HANDLE_PTR session), (, slot, flags, application, notify, session)) \
X(SESSION, C_CloseSession, session_close, (CK_SESSION_HANDLE session), ()) \
X(MODULE, C_CloseAllSessions, session_close_all, (CK_SLOT_ID slot), (, slot)) \
X(SESSION, C_GetSessionInfo, session_info, (CK_SESSION_HANDLE session, CK_SESSION_INFO_PTR info), (, info)) \
X(SESSION, C_GetOperationState, digest_state_get, (CK_SESSION_HANDLE session, CK_BYTE_PTR state, CK_ULONG_PTR state_len), (, state, state_len)) \
X(SESSION, C_SetOperationState, digest_state_set, (CK_SESSION_HANDLE session, CK_BYTE_PTR state, CK_ULONG state_len, CK_OBJECT_HANDLE cipher_key, CK_OBJECT_HANDLE sign_key), (, state, state_len, cipher_key, sign_key)) \
X(SESSION, C_Login, login_login, (CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len), (, user, pin, pin_len)) \
X(SESSION, C_Logout, login_logout, (CK_SESSION_HANDLE session), ()) \
X(SESSION, C_CreateObject, object_create, (CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR object), (, templ, n, object)) \
X(SESSION, C_CopyObject, object_copy, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR copy), (, object, templ, n, copy)) \
X(SESSION, C_DestroyObject, object_destroy, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object), (, object)) \
X(SESSION, C_GetObjectSize, object_size, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG_PTR size), (, object, size)) \
X(SESSION, C_GetAttributeValue, object_get_attributes, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR templ, CK_ULONG n), (, object, templ, n)) \
X(SESSION, C_SetAttributeValue, object_set_attributes, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR templ, CK_ULONG n), (, object, templ, n)) \
X(SESSION, C_FindObjectsInit, find_init, (CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR templ, CK_ULONG n), (, templ, n)) \
X(SESSION, C_FindObjects, find_next, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR object, CK_ULONG max, CK_ULONG_PTR n), (, object, max, n)) \
X(SESSION, C_FindObjectsFinal, find_final, (CK_SESSION_HANDLE session), ()) \
X(SESSION, C_EncryptInit, cipher_encrypt_init, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key), (, mech, key)) \
X(SESSION, C_Encrypt, cipher_encrypt, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, in, in_len, out, out_len)) \
X(SESSION, C_EncryptUpdate, cipher_encrypt_update, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, in, in_len, out, out_len)) \
X(SESSION, C_EncryptFinal, cipher_encrypt_final, (CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, out, out_len)) \
X(SESSION, C_DecryptInit, cipher_decrypt_init, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key), (, mech, key)) \
X(SESSION, C_Decrypt, cipher_decrypt, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, in, in_len, out, out_len)) \
X(SESSION, C_DecryptUpdate, cipher_decrypt_update, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, in, in_len, out, out_len)) \
X(SESSION, C_DecryptFinal, cipher_decrypt_final, (CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, out, out_len)) \
X(SESSION, C_DigestInit, digest_init, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech), (, mech)) \
X(SESSION, C_Digest, digest_whole, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, in, in_len, out, out_len)) \
X(SESSION, C_DigestUpdate, digest_update, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len), (, in, in_len)) \
X(SESSION, C_DigestKey, digest_key, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key), (, key)) \
X(SESSION, C_DigestFinal, digest_final, (CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, out, out_len)) \
X(SESSION, C_SignInit, sign_sign_init, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key), (, mech, key)) \
X(SESSION, C_Sign, sign_sign, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, in, in_len, out, out_len)) \
X(SESSION, C_SignUpdate, sign_sign_update, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len), (, in, in_len)) \
X(SESSION, C_SignFinal, sign_sign_final, (CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, out, out_len)) \
X(ABSENT, C_SignRecoverInit, none, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key), ()) \
X(ABSENT, C_SignRecover, none, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), ()) \
X(SESSION, C_VerifyInit, sign_verify_init, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key), (, mech, key)) \
X(SESSION, C_Verify, sign_verify, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR mac, CK_ULONG mac_len), (, in, in_len, mac, mac_len)) \
X(SESSION, C_VerifyUpdate, sign_verify_update, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len), (, in, in_len)) \
X(SESSION, C_VerifyFinal, sign_verify_final, (CK_SESSION_HANDLE session, CK_BYTE_PTR mac, CK_ULONG mac_len), (, mac, mac_len)) \
X(ABSENT, C_VerifyRecoverInit, none, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key), ()) \
X(ABSENT, C_VerifyRecover, none, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), ()) \
X(SESSION, C_DigestEncryptUpdate, dual_digest_encrypt, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, in, in_len, out, out_len)) \
X(SESSION, C_DecryptDigestUpdate, dual_decrypt_digest, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, in, in_len, out, out_len)) \
X(SESSION, C_SignEncryptUpdate, dual_sign_encrypt, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, in, in_len, out, out_len)) \
X(SESSION, C_DecryptVerifyUpdate, dual_decrypt_verify, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, in, in_len, out, out_len)) \
X(SESSION, C_GenerateKey, keygen_generate, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR key), (, mech, templ, n, key)) \
X(ABSENT, C_GenerateKeyPair, none, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_ATTRIBUTE_PTR public_templ, CK_ULONG public_n, CK_ATTRIBUTE_PTR private_templ, CK_ULONG private_n, CK_OBJECT_HANDLE_PTR public_key, CK_OBJECT_HANDLE_PTR private_key), ()) \
X(SESSION, C_WrapKey, wrap_key, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, mech, wrapping_key, key, out, out_len)) \
X(SESSION, C_UnwrapKey, wrap_unwrap, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE wrapping_key, CK_BYTE_PTR in, CK_ULONG in_len, CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR key), (, mech, wrapping_key, in, in_len, templ, n, key)) \
X(SESSION, C_DeriveKey, derive_key, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE base, CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR key), (, mech, base, templ, n, key)) \
X(SESSION, C_SeedRandom, random_seed, (CK_SESSION_HANDLE session, CK_BYTE_PTR seed, CK_ULONG seed_len), (, seed, seed_len)) \
X(SESSION, C_GenerateRandom, random_generate, (CK_SESSION_HANDLE session, CK_BYTE_PTR out, CK_ULONG out_len), (, out, out_len)) \
X(LEGACY, C_GetFunctionStatus, none, (CK_SESSION_HANDLE session), ()) \
X(LEGACY, C_CancelFunction, none, (CK_SESSION_HANDLE session), ()) \
X(MODULE, C_WaitForSlotEvent, event_wait, (CK_FLAGS flags, CK_SLOT_ID_PTR slot, CK_VOID_PTR reserved), (, flags, slot, reserved))

#define CALLS_3_0(X) \
X(ALWAYS, C_GetInterfaceList, entry_interface_list, (CK_INTERFACE_PTR list, CK_ULONG_PTR n), (list, n)) \
X(ALWAYS, C_GetInterface, entry_interface, (CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR found, CK_FLAGS flags), (name, version, found, flags)) \
X(SESSION, C_LoginUser, login_login_user, (CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len, CK_UTF8CHAR_PTR name, CK_ULONG name_len), (, user, pin, pin_len, name, name_len)) \
X(SESSION, C_SessionCancel, session_cancel, (CK_SESSION_HANDLE session, CK_FLAGS flags), (, flags)) \
X(SESSION, C_MessageEncryptInit, message_encrypt_init, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key), (, mech, key)) \
X(SESSION, C_EncryptMessage, message_encrypt, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR ad, CK_ULONG ad_len, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, param, param_len, ad, ad_len, in, in_len, out, out_len)) \
X(SESSION, C_EncryptMessageBegin, message_encrypt_begin, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR ad, CK_ULONG ad_len), (, param, param_len, ad, ad_len)) \
X(SESSION, C_EncryptMessageNext, message_encrypt_next, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags), (, param, param_len, in, in_len, out, out_len, flags)) \
X(SESSION, C_MessageEncryptFinal, message_encrypt_final, (CK_SESSION_HANDLE session), ()) \
X(SESSION, C_MessageDecryptInit, message_decrypt_init, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key), (, mech, key)) \
X(SESSION, C_DecryptMessage, message_decrypt, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR ad, CK_ULONG ad_len, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, param, param_len, ad, ad_len, in, in_len, out, out_len)) \
X(SESSION, C_DecryptMessageBegin, message_decrypt_begin, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR ad, CK_ULONG ad_len), (, param, param_len, ad, ad_len)) \
X(SESSION, C_DecryptMessageNext, message_decrypt_next, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags), (, param, param_len, in, in_len, out, out_len, flags)) \
X(SESSION, C_MessageDecryptFinal, message_decrypt_final, (CK_SESSION_HANDLE session), ()) \
X(SESSION, C_MessageSignInit, sign_messages_init, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key), (, mech, key)) \
X(SESSION, C_SignMessage, sign_message, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, param, param_len, in, in_len, out, out_len)) \
X(SESSION, C_SignMessageBegin, sign_message_begin, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len), (, param, param_len)) \
X(SESSION, C_SignMessageNext, sign_message_next, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, param, param_len, in, in_len, out, out_len)) \
X(SESSION, C_MessageSignFinal, sign_messages_final, (CK_SESSION_HANDLE session), ()) \
X(SESSION, C_MessageVerifyInit, sign_verify_messages_init, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key), (, mech, key)) \
X(SESSION, C_VerifyMessage, sign_verify_message, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR mac, CK_ULONG mac_len), (, param, param_len, in, in_len, mac, mac_len)) \
X(SESSION, C_VerifyMessageBegin, sign_verify_message_begin, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len), (, param, param_len)) \
X(SESSION, C_VerifyMessageNext, sign_verify_message_next, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR mac, CK_ULONG mac_len), (, param, param_len, in, in_len, mac, mac_len)) \
X(SESSION, C_MessageVerifyFinal, sign_verify_messages_final, (CK_SESSION_HANDLE session), ())

/* PKCS#11 3.2, 5.18.8 and 5.18.9 (a KEM has a public key: not here), 5.15.7 to 5.15.10 (a signature that comes first),
 * 5.6.11, 5.21 (no operation here is left pending: async.c), 5.18.6 and 5.18.7. */
#define CALLS_3_2(X) \
X(ABSENT, C_EncapsulateKey, none, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE public_key, CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_OBJECT_HANDLE_PTR key), ()) \
X(ABSENT, C_DecapsulateKey, none, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE private_key, CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_BYTE_PTR in, CK_ULONG in_len, CK_OBJECT_HANDLE_PTR key), ()) \
X(SESSION, C_VerifySignatureInit, sign_given_init, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key, CK_BYTE_PTR mac, CK_ULONG mac_len), (, mech, key, mac, mac_len)) \
X(SESSION, C_VerifySignature, sign_given, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len), (, in, in_len)) \
X(SESSION, C_VerifySignatureUpdate, sign_given_update, (CK_SESSION_HANDLE session, CK_BYTE_PTR in, CK_ULONG in_len), (, in, in_len)) \
X(SESSION, C_VerifySignatureFinal, sign_given_final, (CK_SESSION_HANDLE session), ()) \
X(SESSION, C_GetSessionValidationFlags, session_validation_flags, (CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS *flags), (, type, flags)) \
X(SESSION, C_AsyncComplete, async_complete, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ASYNC_DATA_PTR result), (, function, result)) \
X(SESSION, C_AsyncGetID, async_get_id, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG_PTR id), (, function, id)) \
X(SESSION, C_AsyncJoin, async_join, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG id, CK_BYTE_PTR out, CK_ULONG out_len), (, function, id, out, out_len)) \
X(SESSION, C_WrapKeyAuthenticated, wrap_key_authenticated, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key, CK_BYTE_PTR ad, CK_ULONG ad_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len), (, mech, wrapping_key, key, ad, ad_len, out, out_len)) \
X(SESSION, C_UnwrapKeyAuthenticated, wrap_unwrap_authenticated, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE wrapping_key, CK_BYTE_PTR in, CK_ULONG in_len, CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_BYTE_PTR ad, CK_ULONG ad_len, CK_OBJECT_HANDLE_PTR key), (, mech, wrapping_key, in, in_len, templ, n, ad, ad_len, key))
/* clang-format on */

#endif
