package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (c *command) completion() *cobra.Command {
	shells := []string{"bash", "zsh", "fish"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print the script that completes commands and flags in your shell",
		Long: `Prints a script for your shell. For every shell to come:

  bash  intentd completion bash > /etc/bash_completion.d/intentd      (needs the package bash-completion)
  zsh   intentd completion zsh > "${fpath[1]}/_intentd"
  fish  intentd completion fish > ~/.config/fish/completions/intentd.fish

For this one alone: source <(intentd completion bash)`,
		ValidArgs: shells,
		Args:      exactly("bash, zsh or fish"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch root := cmd.Root(); args[0] {
			case "bash":
				return root.GenBashCompletionV2(c.Stdout, true)
			case "zsh":
				return root.GenZshCompletion(c.Stdout)
			case "fish":
				return root.GenFishCompletion(c.Stdout, true)
			}
			return misuse(cmd, "there is no completion for %q: it is bash, zsh or fish", fmt.Sprint(args[0]))
		},
	}
}
