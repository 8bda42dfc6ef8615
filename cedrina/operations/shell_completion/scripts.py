"""The scripts that complete `manage.py` in a shell. They are static: the shell starts no Python to complete a word."""

from collections.abc import Callable, Iterator, Mapping

from cedrina.operations.shell_completion.command_words import CommandWords

Commands = Mapping[str, CommandWords]
PROGRAM = "manage.py"


def bash(commands: Commands) -> str:
    """Return the script for bash, which completes `manage.py` and what ends in `/manage.py`."""
    cases = "\n".join(f"    {key!r}) words={_quoted(' '.join(words))} ;;" for key, words in _tables(commands))
    values = "\n".join(f"    {key!r}) words={_quoted(' '.join(words))} ;;" for key, words in _choices(commands))
    return f"""# bash completion of manage.py
_cedrina_manage() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" path="" word words="" index
  local first=1
  for ((index = 0; index < COMP_CWORD; index++)); do
    case "${{COMP_WORDS[index]}}" in *manage.py) first=$((index + 1)) ;; esac
  done
  for ((index = first; index < COMP_CWORD; index++)); do
    word="${{COMP_WORDS[index]}}"
    case "$word" in -*) continue ;; esac
    case "$path $word" in
      {_known_paths(commands)}) path="$path $word" ;;
    esac
  done
  case "$path $previous" in
{values}
  esac
  if [ -z "$words" ]; then
    case "$path" in
{cases}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _cedrina_manage manage.py ./manage.py
"""


def zsh(commands: Commands) -> str:
    """Return the script for zsh. It uses the one for bash, by zsh's own `bashcompinit`."""
    return f"autoload -U +X bashcompinit && bashcompinit\n{bash(commands).replace('# bash', '# zsh', 1)}"


def fish(commands: Commands) -> str:
    """Return the script for fish, which shows a sentence beside each command."""
    lines = ["# fish completion of manage.py", f"complete -c {PROGRAM} -f"]
    for name, words in commands.items():
        condition = f"__fish_seen_subcommand_from {name}"
        lines.append(f"complete -c {PROGRAM} -n __fish_use_subcommand -a {name} -d {_quoted(words.summary)}")
        lines += _fish_options(words, condition)
        for sub, inner in words.subcommands.items():
            free = f"{condition}; and not __fish_seen_subcommand_from {' '.join(words.subcommands)}"
            lines.append(f"complete -c {PROGRAM} -n {_quoted(free)} -a {sub} -d {_quoted(inner.summary)}")
            lines += _fish_options(inner, f"{condition}; and __fish_seen_subcommand_from {sub}")
    return "\n".join(lines) + "\n"


def _fish_options(words: CommandWords, condition: str) -> Iterator[str]:
    for option in words.options:
        line = f"complete -c {PROGRAM} -n {_quoted(condition)} -l {option.removeprefix('--')}"
        if option in words.choices:
            line += f" -x -a {_quoted(' '.join(words.choices[option]))}"
        yield line


def _paths(commands: Commands) -> Iterator[tuple[str, CommandWords]]:
    """Yield each command and subcommand, as the words that lead to it."""
    for name, words in commands.items():
        yield f" {name}", words
        for sub, inner in words.subcommands.items():
            yield f" {name} {sub}", inner


def _tables(commands: Commands) -> Iterator[tuple[str, list[str]]]:
    yield "", list(commands)
    for path, words in _paths(commands):
        yield path, [*words.subcommands, *words.options]


def _choices(commands: Commands) -> Iterator[tuple[str, list[str]]]:
    for path, words in _paths(commands):
        for option, choices in words.choices.items():
            yield f"{path} {option}", list(choices)


def _known_paths(commands: Commands) -> str:
    return "|".join(f'"{path}"' for path, _words in _paths(commands))


def _quoted(text: str) -> str:
    """Return a text as one word of each of the shells."""
    return "'" + text.replace("\\", "").replace("'", "’") + "'"


SCRIPTS: Mapping[str, Callable[[Commands], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
