"""The scripts that make shells ask for completions. ``_BATON_PROGRAM`` names another program to ask."""

SCRIPTS = {
    "bash": r"""# Completion of baton in bash. In ~/.bashrc: eval "$(baton completion bash)"
_baton() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
    "${_BATON_PROGRAM:-baton}" __complete bash "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  if [[ ${COMPREPLY[0]} == :files ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=()
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
  elif [[ ${#COMPREPLY[@]} -ge 1 && ${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
_git_baton() { _baton; }
complete -F _baton baton
""",
    "zsh": r"""#compdef baton git-baton
# Completion of baton in zsh. In ~/.zshrc, after compinit: eval "$(baton completion zsh)"
_baton() {
  local line tab=$'\t'
  local -a lines ends values shown
  lines=("${(@f)$("${_BATON_PROGRAM:-baton}" __complete zsh baton "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ ${lines[1]} == :files ]]; then _files; return; fi
  for line in "${(@)lines}"; do
    [[ -n $line ]] || continue
    if [[ ${line%%$tab*} == *= ]]; then ends+=("${line%%$tab*}"); continue; fi
    values+=("${line%%$tab*}")
    if [[ $line == *$tab* ]]; then shown+=("${line/$tab/  }"); else shown+=("$line"); fi
  done
  (( $#ends )) && compadd -S '' -- "${(@)ends}"
  (( $#values )) && compadd -V baton -l -d shown -- "${(@)values}"
}
compdef _baton baton git-baton
""",
    "fish": r"""# Completion of baton in fish: baton completion fish > ~/.config/fish/completions/baton.fish
function __baton_complete
    set -l program baton
    set -q _BATON_PROGRAM; and set program $_BATON_PROGRAM
    set -l found ($program __complete fish (commandline -opc) (commandline -ct) 2>/dev/null)
    if test "$found[1]" = :files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $found
    end
end
complete -c baton -e
complete -c baton -f -a '(__baton_complete)'
""",
}
