# bash completion of wigwag, as printed by `wigwag completions bash`. What may come next is asked of wigwag itself.
_wigwag() {
    local rest=${COMP_LINE#*"${COMP_WORDS[0]}"} word i how=words
    local -a words=() lines=()
    # Readline splits words at colons and equals signs; here they are put together again.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n $word && ${#words[@]} -gt 0 && $rest == "$word"* ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        rest=${rest#"${rest%%[![:space:]]*}"}
        rest=${rest#"$word"}
    done
    local program=${1/#\~\//$HOME/} current=${words[-1]}
    mapfile -t lines < <("$program" completions bash -- "${words[@]}" 2>/dev/null)
    how=${lines[0]:-words}
    COMPREPLY=()
    case $how in
    files | dirs)
        local kind=-f
        [[ $how == dirs ]] && kind=-d
        mapfile -t COMPREPLY < <(compgen "$kind" -- "$current")
        compopt -o filenames 2>/dev/null
        return
        ;;
    esac
    # What stands before the last break is on the line already.
    local before=
    [[ $COMP_WORDBREAKS == *:* ]] && [[ $current == *:* ]] && before=${current%"${current##*:}"}
    if [[ $COMP_WORDBREAKS == *=* && ${current#"$before"} == *=* ]]; then
        before=${current%"${current##*=}"}
    fi
    for word in "${lines[@]:1}"; do
        word=${word%%$'\t'*}
        word=${word#"$before"}
        # Within quotes nothing needs a backslash.
        if [[ $word == *[!A-Za-z0-9_@%+:,./=-]* && $current != [\'\"]* ]]; then
            printf -v word %q "$word"
        fi
        COMPREPLY+=("$word")
    done
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[:/=,] ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -F _wigwag wigwag
