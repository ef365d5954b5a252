// SPDX-License-Identifier: EUPL-1.2
// In the coverage build alone: a process that ends by _exit says what ran too. What kill -9 ends
// says nothing.
void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

_Noreturn void __wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}
