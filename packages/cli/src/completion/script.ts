/** The shells that can complete, with what a user puts into the shell's start file. */
const SHELLS = {
  bash: "source <(ipc completion bash)",
  zsh: "source <(ipc completion zsh)",
  fish: "ipc completion fish | source",
} as const;

export type Shell = keyof typeof SHELLS;

/** A line in the place of a candidate: the shell completes files. */
export const FILES_LINE = ":files";

const BASH = `# ipc: completion for bash. In ~/.bashrc: ${SHELLS.bash}
_ipc() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == ${FILES_LINE} ]]; then
      compopt -o default 2>/dev/null
    else
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done < <("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _ipc ipc
`;

const ZSH = `#compdef ipc
# ipc: completion for zsh. In ~/.zshrc, after compinit: ${SHELLS.zsh}
_ipc() {
  local line summary files ret=1
  local -a candidates
  for line in "\${(@f)$("$words[1]" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == ${FILES_LINE} ]]; then
      files=1
    elif [[ -n $line ]]; then
      summary=\${line#*$'\\t'}
      candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}\${summary:+:$summary}")
    fi
  done
  (( $#candidates )) && _describe -t candidates ipc candidates && ret=0
  [[ -n $files ]] && _files && ret=0
  return ret
}
if [[ $funcstack[1] == _ipc ]]; then _ipc "$@"; else compdef _ipc ipc; fi
`;

const FISH = `# ipc: completion for fish. In ~/.config/fish/config.fish: ${SHELLS.fish}
function __ipc_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] complete -- $words[2..-1] "$current" 2>/dev/null)
        if test "$line" = ${FILES_LINE}
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end
complete -c ipc -f -a '(__ipc_complete)'
`;

/** The completion script of each shell. */
export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
