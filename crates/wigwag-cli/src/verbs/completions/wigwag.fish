# fish completion of wigwag, as printed by `wigwag completions fish`. What may come next is asked of wigwag itself.
function __wigwag_words
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~/' "$HOME/" -- $before[1])
    set -e before[1]
    set -l lines (command $program completions fish -- $before "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path "$current"
        case dirs
            __fish_complete_directories "$current"
        case '*'
            set -e lines[1]
            printf '%s\n' $lines
    end
end
complete -c wigwag -f -a '(__wigwag_words)'
