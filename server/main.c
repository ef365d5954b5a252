// SPDX-License-Identifier: EUPL-1.2
#include <balise/app.h>

int main(int argc, char **argv)
{
    return bal_app_run(argc, argv);
}
