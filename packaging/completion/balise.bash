# SPDX-License-Identifier: EUPL-1.2
# Completion of balise for bash. It asks balise --help, so that it never knows less or more than the program.

# _balise_words COMMAND: what may stand there: its verbs (new|list|revoke, in the usage) and its options.
_balise_words() {
    local help verbs
    help=$("${COMP_WORDS[0]}" help "$1" 2>/dev/null) || return
    verbs=$(sed -n '1s/^usage: balise [a-z-]* \([a-z|-]*|[a-z|-]*\) .*/\1/p' <<<"$help")
    if [ "$verbs" ] && [ "$COMP_CWORD" -eq 2 ]; then
        tr '|' '\n' <<<"$verbs"
    else
        grep -oE -- '--[a-z][a-z-]*' <<<"$help" | sort -u
    fi
}

# _balise_values COMMAND --OPTION: the words it is one of, as --format table|csv says.
_balise_values() {
    "${COMP_WORDS[0]}" help "$1" 2>/dev/null | grep -oE -- "$2 [a-z0-9|]*\|[a-z0-9|]+" | head -n 1 | cut -d ' ' -f 2 | tr '|' '\n'
}

_balise() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words
    # bash breaks --format=csv into three words.
    if [ "$word" = = ]; then word=; elif [ "$before" = = ]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi
    if [ "$COMP_CWORD" -eq 1 ]; then
        words=$("${COMP_WORDS[0]}" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p')
    elif [[ $before == --* ]]; then
        words=$(_balise_values "${COMP_WORDS[1]}" "$before")
        # A flag has no value: what follows is another option.
        if [ ! "$words" ] && [[ $word == -* ]]; then words=$(_balise_words "${COMP_WORDS[1]}"); fi
    else
        words=$(_balise_words "${COMP_WORDS[1]}")
    fi
    # Nothing of ours: the name of a file.
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _balise balise
