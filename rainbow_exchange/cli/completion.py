"""`rainbow-exchange completion SHELL`: the script by which a shell completes our commands. It asks us at each Tab.

Bash, zsh and fish are asked as click does it; PowerShell by a script of our own, since a path of Windows does not
survive being split as a POSIX shell does.
"""

import os

import click
from click.shell_completion import CompletionItem, ShellComplete, add_completion_class, get_completion_class

from rainbow_exchange.json_text import read_json

_COMMAND = "rainbow-exchange"
#: where click looks for what a shell asks
VARIABLE = "_RAINBOW_EXCHANGE_COMPLETE"

_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName '%(prog_name)s' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $ErrorActionPreference = 'SilentlyContinue'
    $words = @(
        $commandAst.CommandElements | Select-Object -Skip 1 |
            Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
            ForEach-Object {
                if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
                    $_.Value
                } else {
                    $_.Extent.Text
                }
            }
    )
    $env:COMP_WORDS = ConvertTo-Json -InputObject $words -Compress
    $env:COMP_WORD = $wordToComplete
    $env:%(complete_var)s = 'powershell_complete'
    try {
        $answer = @(& $commandAst.GetCommandName() 2>$null)
    } finally {
        Remove-Item -Path 'Env:COMP_WORDS', 'Env:COMP_WORD', 'Env:%(complete_var)s'
    }
    foreach ($line in $answer) {
        $kind, $value, $help = $line -split "`t", 3
        if ($kind -eq 'plain') {
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
        } elseif ($kind -eq 'file' -or $kind -eq 'dir') {
            [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete)
        }
    }
}
"""


@add_completion_class
class PowershellComplete(ShellComplete):
    """The words before the cursor come as JSON, as PowerShell has read them; one completion goes back in a line."""

    name = "powershell"
    source_template = _POWERSHELL

    def get_completion_args(self) -> tuple[list[str], str]:
        """Give the words before the cursor, and what of the one under it stands there."""
        try:
            words = read_json(os.environ.get("COMP_WORDS", ""))
        except ValueError:
            words = []
        started = os.environ.get("COMP_WORD", "").strip("'\"")
        return [str(word) for word in words] if isinstance(words, list) else [], started

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Write kind, value and what is shown beside it, which PowerShell wants not to be empty."""
        return "\t".join((item.type, item.value, " ".join((item.help or item.value).split())))


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "powershell"]))
def completion(shell: str) -> None:
    """Print the script that lets a shell complete commands, options, choices and files by Tab.

    It prints, and writes nothing: put it where your shell looks for such scripts.

    \b
    Exit code: 0 printed, 2 an unknown shell.
    \b
    Examples:
        rainbow-exchange completion bash > ~/.local/share/bash-completion/completions/rainbow-exchange
        rainbow-exchange completion zsh > "${fpath[1]}/_rainbow-exchange"
        rainbow-exchange completion fish > ~/.config/fish/completions/rainbow-exchange.fish
        rainbow-exchange completion powershell | Out-String | Invoke-Expression
    """  # noqa: D301  (\b is click's: keep these lines)
    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"There is no completion for {shell}; name bash, zsh, fish or powershell.")
    root = click.get_current_context().find_root().command
    # Not the class's own `source`: that of bash starts the bash of this machine to ask for its version.
    click.echo(ShellComplete.source(made(root, {}, _COMMAND, VARIABLE)), nl=False)
