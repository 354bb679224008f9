/* SPDX-License-Identifier: Apache-2.0 */
#include "test/pkcs11/p11test.h"

/* ---- cases: life --------------------------------------------------------------------------------------- */

static CK_RV no_mutex(void **m)
{
	(void)m;
	return CKR_OK;
}

void case_initialize(void)
{
	CK_C_INITIALIZE_ARGS reserved = {.pReserved = (void *)1};
	CK_C_INITIALIZE_ARGS half = {.CreateMutex = no_mutex};

	IS(p11->C_Initialize(&reserved), CKR_ARGUMENTS_BAD);
	IS(p11->C_Initialize(&half), CKR_ARGUMENTS_BAD);
	IS(initialize(), CKR_OK);
	IS(initialize(), CKR_CRYPTOKI_ALREADY_INITIALIZED);
	IS(p11->C_Finalize((void *)1), CKR_ARGUMENTS_BAD);
	for (int i = 0; i < 20; i++) {
		IS(p11->C_Finalize(NULL), CKR_OK);
		IS(p11->C_Initialize(NULL), CKR_OK);
	}
	slot = find_slot();
	CHECK(slot != (CK_SLOT_ID)-1);
}

void case_lists(void)
{
	CK_FUNCTION_LIST *list = NULL;

	IS(p11->C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_GetFunctionList(&list), CKR_OK);
	CHECK(list == p11);
	CHECK(list->version.major == 2);
	void *const *each = (void *const *)(void *)&list->C_Initialize;
	for (size_t i = 0; i < (sizeof *list - offsetof(CK_FUNCTION_LIST, C_Initialize)) / sizeof *each; i++)
		CHECK(each[i] != NULL);
}
