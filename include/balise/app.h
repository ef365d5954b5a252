// SPDX-License-Identifier: EUPL-1.2
#ifndef BALISE_APP_H
#define BALISE_APP_H

/**
 * The command line: finds the subcommand, runs it, returns the process's exit status:
 * 0 done, 1 failed (one line on stderr says why), 2 the words of the call are wrong.
 */
int bal_app_run(int argc, char **argv);

#endif
