# SPDX-License-Identifier: GPL-2.0-or-later
#
# bash completion for wherry-dsa: its commands, their options, and paths.

# _wherry_dsa_path WORD: queues of the hardware, and options of the software
# device, which the program itself knows.
_wherry_dsa_path()
{
    local word=$1 before names choices='dsa:auto dsa:soft' name
    case "$word" in
    dsa:soft\?*)
        before=${word%"${word##*[?,]}"}
        names=$(wherry-dsa options 2>/dev/null |
                sed -n 's/^  \([a-z-]*=\).*/\1/p')
        COMPREPLY=($(compgen -P "$before" -W "$names" -- "${word##*[?,]}"))
        compopt -o nospace 2>/dev/null ;;
    *)
        for name in /dev/dsa/wq*; do
            [[ -e $name ]] && choices="$choices dsa:$name"
        done
        COMPREPLY=($(compgen -W "$choices" -- "$word")) ;;
    esac
}

_wherry_dsa()
{
    local commands='list test bench options'
    local options='-h --help --version'
    local list_options='-h --help --json --sysfs'
    local test_options='-h --help --json --completion --pages --timeout'
    local bench_options='-h --help --json --pages --size --threads --completion --time --timeout --null-only'
    local options_options='-h --help --json'
    local word previous command
    # Colons and equal signs are part of a path here, not word breaks.
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n =: -c word -p previous
    else
        word=${COMP_WORDS[COMP_CWORD]}
        previous=${COMP_WORDS[COMP_CWORD - 1]}
    fi
    command=${COMP_WORDS[1]}
    case "$previous" in
    --completion) COMPREPLY=($(compgen -W 'thread in-thread' -- "$word")) ;;
    --sysfs) COMPREPLY=($(compgen -d -- "$word")) ;;
    --pages|--size|--threads|--time|--timeout) ;;
    *)
        case "$COMP_CWORD:$command:$word" in
        1:*) COMPREPLY=($(compgen -W "$commands $options" -- "$word")) ;;
        *:list:*) COMPREPLY=($(compgen -W "$list_options" -- "$word")) ;;
        *:test:-*) COMPREPLY=($(compgen -W "$test_options" -- "$word")) ;;
        *:bench:-*) COMPREPLY=($(compgen -W "$bench_options" -- "$word")) ;;
        *:options:*)
            COMPREPLY=($(compgen -W "$options_options" -- "$word")) ;;
        *:test:*|*:bench:*) _wherry_dsa_path "$word" ;;
        esac ;;
    esac
    if declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "$word"
    fi
}

complete -F _wherry_dsa wherry-dsa
