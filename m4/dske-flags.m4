# SPDX-License-Identifier: Apache-2.0

# DSKE_FLAG(VARIABLE, FLAG, [OTHER FLAGS])
# Appends FLAG to the shell variable VARIABLE if the compiler takes it without a warning, both to
# compile and to link.  Asked of each compiler anew: clang 14 refuses some that gcc 12 takes.
AC_DEFUN([DSKE_FLAG], [
  AS_VAR_PUSHDEF([dske_var], [dske_cv_flag_$2])
  AC_CACHE_CHECK([whether $CC accepts $2], [dske_var], [
    dske_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $3 $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]], [[char b[40]; return snprintf(b, sizeof(b), "x") == 2;]])],
      [AS_VAR_SET([dske_var], [yes])], [AS_VAR_SET([dske_var], [no])])
    CFLAGS=$dske_save_CFLAGS
  ])
  AS_VAR_IF([dske_var], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([dske_var])
])

# DSKE_FLAGS(VARIABLE, FLAGS...): DSKE_FLAG for each of a blank-separated list.
AC_DEFUN([DSKE_FLAGS], [m4_foreach_w([dske_flag], [$2], [DSKE_FLAG([$1], m4_defn([dske_flag]))])])

# DSKE_NEED_FLAG(VARIABLE, FLAG): as DSKE_FLAG, and stops configure when it is refused.
AC_DEFUN([DSKE_NEED_FLAG], [
  DSKE_FLAG([$1], [$2])
  AS_VAR_IF([AS_TR_SH([dske_cv_flag_$2])], [yes], [], [AC_MSG_ERROR([$CC does not accept $2])])
])
