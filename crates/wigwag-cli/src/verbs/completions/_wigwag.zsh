#compdef wigwag
# zsh completion of wigwag, as printed by `wigwag completions zsh`. What may come next is asked of wigwag itself.
_wigwag() {
    local -a lines closed open
    local line word entry program=${~${(Q)words[1]}}
    lines=("${(@f)$(command $program completions zsh -- "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
    case $lines[1] in
        files) _files; return ;;
        dirs) _files -/; return ;;
    esac
    for line in "${(@)lines[2,-1]}"; do
        word=${line%%$'\t'*}
        entry=${${word//\\/\\\\}//:/\\:}
        [[ $line == *$'\t'?* ]] && entry+=:${line#*$'\t'}
        # After these the word goes on.
        if [[ $word == *[:/=,] ]]; then open+=("$entry"); else closed+=("$entry"); fi
    done
    # They are chosen already (a signal's name also in small letters), so zsh need not match them again.
    local found=1
    (($#closed)) && _describe -t words 'word' closed -U && found=0
    (($#open)) && _describe -t prefixes 'prefix' open -U -S '' && found=0
    return found
}
if [[ $funcstack[1] == _wigwag ]]; then
    _wigwag "$@"
else
    compdef _wigwag wigwag
fi
