# SPDX-License-Identifier: GPL-2.0-or-later
#
# bash completion for wherry: its options, their values and sub-options.

# _wherry_list WORD CHOICES: completes the last comma-separated part of WORD.
_wherry_list()
{
    local word=$1 choices=$2 before=''
    if [[ $word == *,* ]]; then
        before=${word%,*},
    fi
    COMPREPLY=($(compgen -P "$before" -W "$choices" -- "${word##*,}"))
    compopt -o nospace 2>/dev/null
}

_wherry_global()
{
    local names='store-global-state send-configuration send-section-footer
        send-switchover-start multifd-flush-after-each-section
        multifd-clean-tls-termination'
    local name choices='migration.zero-page-detection=none
        migration.zero-page-detection=legacy
        migration.zero-page-detection=multifd'
    for name in $names; do
        choices="$choices migration.$name=on migration.$name=off"
    done
    _wherry_list "$1" "$choices"
}

_wherry_accel()
{
    case "$1" in
    stress,*)
        _wherry_list "$1" 'threads= rate= pattern=seq pattern=random
            pattern=hot zero= size= dirty=auto dirty=wp dirty=soft verify=on
            verify=off' ;;
    kvm,*)
        _wherry_list "$1" 'device= dirty-ring-size=' ;;
    *)
        _wherry_list "$1" 'none stress qtest kvm' ;;
    esac
}

_wherry_object()
{
    case "$1" in
    tls-creds-*,*)
        _wherry_list "$1" 'id= dir= endpoint=client endpoint=server
            verify-peer=on verify-peer=off priority= username=
            sanity-check=on sanity-check=off' ;;
    authz-*,*)
        _wherry_list "$1" 'id= identity= policy=allow policy=deny filename=
            refresh=on refresh=off' ;;
    *,*)
        _wherry_list "$1" 'id= size= share=on share=off mem-path= prealloc=on
            prealloc=off hugetlb=on hugetlb=off hugetlbsize=' ;;
    *)
        _wherry_list "$1" 'memory-backend-ram memory-backend-memfd
            memory-backend-file tls-creds-x509 tls-creds-psk tls-creds-anon
            authz-simple authz-list authz-list-file' ;;
    esac
}

_wherry()
{
    local options='-h --help --version -machine -smp -kernel -serial -m -object -S -incoming -name -uuid -accel -add-fd -qmp -monitor -qtest -qtest-log -daemonize -pidfile -trace -global -nodefaults -display'
    local word previous
    # Colons and equal signs are part of a value here, not word breaks.
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n =: -c word -p previous
    else
        word=${COMP_WORDS[COMP_CWORD]}
        previous=${COMP_WORDS[COMP_CWORD - 1]}
    fi
    case "$previous" in
    -machine) _wherry_list "$word" 'none micro memory-backend=' ;;
    -smp) COMPREPLY=($(compgen -W '1 2 4 8' -- "$word")) ;;
    -serial)
        _wherry_list "$word" 'stdio file: unix: none server=on wait=off' ;;
    -object) _wherry_object "$word" ;;
    -global) _wherry_global "$word" ;;
    -incoming) _wherry_list "$word" 'defer tcp: unix: vsock: fd: exec: file:' ;;
    -qmp|-qtest) _wherry_list "$word" 'unix: tcp: server=on wait=off' ;;
    -monitor)
        _wherry_list "$word" 'stdio none unix: tcp: server=on wait=off' ;;
    -add-fd) _wherry_list "$word" 'fd= set= opaque=' ;;
    -trace) _wherry_list "$word" 'enable= file=' ;;
    -accel) _wherry_accel "$word" ;;
    -display) COMPREPLY=($(compgen -W 'none' -- "$word")) ;;
    -pidfile|-qtest-log|-kernel) COMPREPLY=($(compgen -f -- "$word")) ;;
    -m|-name|-uuid) ;;
    *) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    esac
    if declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "$word"
    fi
}

complete -F _wherry wherry
