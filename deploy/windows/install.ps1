# intentd as a task that Windows starts with the machine, as LOCAL SERVICE, and again a minute after it ended. No further program is needed:
# Windows' own service manager takes only programs written for it, its task scheduler any.
#
#   powershell -ExecutionPolicy Bypass -File install.ps1 -Binary .\intentd.exe -Config .\intentd.yaml, .\hubspot_token
#
# What it was not tried on: this script is kept by hand and has not been run by the checks of this project, which build and vet
# intentd for Windows on Linux.
#
# Stop and start:   Stop-ScheduledTask intentd; Start-ScheduledTask intentd     (a stop is a kill, after which nobody is lost: README, promise 1)
# Ask the daemon:   & 'C:\Program Files\intentd\intentd.exe' status -c C:\ProgramData\intentd\intentd.yaml     (as an administrator)
# Change settings:  edit the file, stop and start; there is no reload
# Remove:           Unregister-ScheduledTask intentd; the state stays in C:\ProgramData\intentd
param(
    [Parameter(Mandatory)][string]$Binary,
    [Parameter(Mandatory)][string[]]$Config   # the configuration, called intentd.yaml, and the files of secrets that it names beside itself
)
$ErrorActionPreference = 'Stop'
$program = Join-Path $env:ProgramFiles 'intentd'
$data = Join-Path $env:ProgramData 'intentd'

New-Item -ItemType Directory -Force $program, $data | Out-Null
Copy-Item -Force $Binary (Join-Path $program 'intentd.exe')

# Windows keeps others out by the list of a folder, not by modes of files: the system, administrators and LOCAL SERVICE alone.
# State, secrets, log and control socket all stand in this folder.
icacls $data /inheritance:r /grant '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' '*S-1-5-19:(OI)(CI)M' | Out-Null
if ($LASTEXITCODE -ne 0) { throw 'the folder could not be closed to others' }
Copy-Item -Force $Config $data

$log = Join-Path $data 'intentd.log'
$run = '/d /c ""{0}" run -c "{1}" 2>> "{2}""' -f (Join-Path $program 'intentd.exe'), (Join-Path $data 'intentd.yaml'), $log
$action = New-ScheduledTaskAction -Execute "$env:SystemRoot\System32\cmd.exe" -Argument $run -WorkingDirectory $data
$settings = New-ScheduledTaskSettingsSet -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -StartWhenAvailable `
    -MultipleInstances IgnoreNew -ExecutionTimeLimit ([TimeSpan]::Zero) -RestartInterval (New-TimeSpan -Minutes 1) -RestartCount 999
$user = New-ScheduledTaskPrincipal -UserId 'S-1-5-19' -LogonType ServiceAccount
Register-ScheduledTask -Force -TaskName intentd -Action $action -Settings $settings -Principal $user -Trigger (New-ScheduledTaskTrigger -AtStartup) | Out-Null
Start-ScheduledTask intentd
"intentd runs; its log is $log"
