/** The scripts that make shells ask this program for completions. */
import { PROGRAM } from "../help.ts";

/** Lets completions contain what BuildStream does not have. */
const ASK = "_BST_COMPLETION=bst-ts";

const SCRIPTS = {
  bash: `_bst_ts_complete() {
  local IFS=$'\\n'
  COMPREPLY=($(env COMP_WORDS="\${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" ${ASK} "$1" 2>/dev/null))
}
complete -F _bst_ts_complete -o nospace ${PROGRAM}`,

  zsh: `#compdef ${PROGRAM}
_bst_ts_complete() {
  local -a candidates
  candidates=("\${(@f)$(env COMP_WORDS="\${words[*]}" COMP_CWORD=$((CURRENT - 1)) ${ASK} "\${words[1]}" 2>/dev/null)}")
  compadd -Q -S '' -- \${candidates:#}
}
compdef _bst_ts_complete ${PROGRAM}`,

  fish: `function __bst_ts_complete
  set -l before (commandline -opc)
  env COMP_WORDS="$before "(commandline -ct) COMP_CWORD=(count $before) ${ASK} $before[1] 2>/dev/null | string trim --right
end
complete -c ${PROGRAM} -f -a '(__bst_ts_complete)'`,
} as const;

export function completionScript(shell: keyof typeof SCRIPTS): string {
  return SCRIPTS[shell];
}
