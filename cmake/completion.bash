# Completion of alert-bench in bash: commands and options as --help lists them, names of shipped scenarios, files.
_alert_bench() {
  local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    words=$(alert-bench --help 2>/dev/null | sed -n '/^Subcommands:/,$ s/^  \([a-z-]*\) .*/\1/p')
    words="$words --help --version"
  elif [[ $word == -* ]]; then
    words=$(alert-bench "$command" --help 2>/dev/null | grep -o -- '--[a-z][a-z-]*' | sort -u)
  elif [[ $command == run || $command == profile || $command == record ]]; then
    words=$(alert-bench list scenarios 2>/dev/null | sed -n 's/^.*\/\([^ /]*\)\.json .*/\1/p')
  elif [[ $command == list ]]; then
    words="schedulers models workloads powers co-runners scenarios"
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"; [[ $word == -* ]] || compgen -f -- "$word")
}
complete -o filenames -F _alert_bench alert-bench
