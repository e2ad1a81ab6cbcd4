<#
.SYNOPSIS
Installs rainbow-exchange, upgrades it, goes back to the version before, or takes it out.

.DESCRIPTION
Run it as administrator, from the folder of the archive: beside it lies the folder "wheels", which holds all that a
server without internet needs. It finds a Python and hands over to it; what is done then is told line by line.

An upgrade makes the new version's folder while the old version runs, stops that one, starts the new one, and waits until
it answers. Where it does not, the old version is started again. Settings, state and log are never touched.

Exit code: 0 done, 1 failed (it says which version is in use), 2 refused with nothing changed.

.PARAMETER Wheels
The folder of wheels. By default "wheels" beside this script.

.PARAMETER Online
Take from the internet what rainbow-exchange needs; its own wheel still lies in the folder of wheels.

.PARAMETER Python
The python.exe to use. By default the newest one that is installed for all users.

.PARAMETER Config
The settings file. By default config.toml in %ProgramData%\rainbow-exchange.

.PARAMETER Account
As whom the service runs: DOMAIN\name, or a group managed account DOMAIN\name$. By default an account of its own.

.PARAMETER Nssm
nssm.exe. By default the one beside this script.

.PARAMETER NoService
Register no service.

.PARAMETER Rollback
Go back to the version before.

.PARAMETER Uninstall
Take service and program out. Settings, state and log stay.

.EXAMPLE
powershell -ExecutionPolicy Bypass -File .\Install-RainbowExchange.ps1

.EXAMPLE
powershell -ExecutionPolicy Bypass -File .\Install-RainbowExchange.ps1 -Account 'ACME\svc-rainbow$'

.EXAMPLE
powershell -ExecutionPolicy Bypass -File .\Install-RainbowExchange.ps1 -Rollback
#>
[CmdletBinding(DefaultParameterSetName = 'Install')]
param (
    [Parameter(ParameterSetName = 'Install')] [string] $Wheels,
    [Parameter(ParameterSetName = 'Install')] [switch] $Online,
    [string] $Python,
    [Parameter(ParameterSetName = 'Install')] [string] $Config,
    [Parameter(ParameterSetName = 'Install')] [string] $Account,
    [Parameter(ParameterSetName = 'Install')] [string] $Nssm,
    [Parameter(ParameterSetName = 'Install')] [switch] $NoService,
    [Parameter(ParameterSetName = 'Rollback', Mandatory = $true)] [switch] $Rollback,
    [Parameter(ParameterSetName = 'Uninstall', Mandatory = $true)] [switch] $Uninstall
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

function Find-Python {
    # Any will do to begin with: it looks for the one that the service can use, and says so where there is none.
    $places = @(
        'HKLM:\SOFTWARE\Python\PythonCore\*\InstallPath',
        'HKCU:\SOFTWARE\Python\PythonCore\*\InstallPath',
        'HKLM:\SOFTWARE\WOW6432Node\Python\PythonCore\*\InstallPath'
    )
    foreach ($key in Get-Item -Path $places -ErrorAction SilentlyContinue) {
        $folder = $key.GetValue('')
        if ($folder -and $key.Name -match '\\3\.(1[1-9]|[2-9][0-9])(-32)?\\InstallPath$') {
            $file = Join-Path -Path $folder -ChildPath 'python.exe'
            if (Test-Path -LiteralPath $file -PathType Leaf) {
                return $file
            }
        }
    }
    return $null
}

function Find-Code {
    # The part of rainbow-exchange that installs it: in its wheel or, once that is gone, in the version in use.
    param (
        [string] $Folder
    )
    if (Test-Path -LiteralPath $Folder -PathType Container) {
        $found = @(Get-ChildItem -LiteralPath $Folder -Filter 'rainbow_exchange-*.whl')
        if ($found.Count -eq 1) {
            return $found[0].FullName
        }
    }
    $root = Join-Path -Path $env:ProgramFiles -ChildPath 'rainbow-exchange'
    $record = Join-Path -Path $root -ChildPath 'installed.json'
    if (Test-Path -LiteralPath $record -PathType Leaf) {
        $installed = Get-Content -LiteralPath $record -Raw | ConvertFrom-Json
        if ($installed.current) {
            return Join-Path -Path (Join-Path -Path $root -ChildPath $installed.current) -ChildPath 'Lib\site-packages'
        }
    }
    return $null
}

if ($env:PROCESSOR_ARCHITEW6432) {
    Write-Host 'Error: this is the 32-bit PowerShell. Run this script in "Windows PowerShell", not in "Windows PowerShell (x86)".'
    exit 2
}
# A backslash at the end would take the quote behind it with it.
$Wheels = $Wheels.TrimEnd('\')
if (-not $Wheels) {
    $Wheels = Join-Path -Path $PSScriptRoot -ChildPath 'wheels'
}
$interpreter = $Python
if (-not $interpreter) {
    $interpreter = Find-Python
}
if (-not $interpreter) {
    Write-Host 'Error: no Python 3.11 or newer is installed here. Install one for all users: the 64-bit installer from'
    Write-Host 'python.org, "Customize installation", "Install Python for all users" (the one of the Microsoft Store will not do).'
    exit 2
}
$code = Find-Code -Folder $Wheels
if (-not $code) {
    Write-Host "Error: $Wheels holds no wheel of rainbow-exchange, or several. Run this script from the folder of the archive."
    exit 2
}

$arguments = @('-m', 'rainbow_exchange.installation')
if ($Rollback) {
    $arguments += 'rollback'
}
elseif ($Uninstall) {
    $arguments += 'uninstall'
}
else {
    $arguments += @('install', '--wheels', $Wheels)
    if ($Online) {
        $arguments += '--online'
    }
    if ($Python) {
        $arguments += @('--python', $Python)
    }
    if ($Config) {
        $arguments += @('--config', $Config)
    }
    if ($Account) {
        $arguments += @('--account', $Account)
    }
    if ($Nssm) {
        $arguments += @('--nssm', $Nssm)
    }
    if ($NoService) {
        $arguments += '--no-service'
    }
}

# Only the code that was found may be looked into: a Python reads what these variables name before its own folders.
$before = @{
    PYTHONPATH = $env:PYTHONPATH
    PYTHONHOME = $env:PYTHONHOME
    PYTHONUTF8 = $env:PYTHONUTF8
    PYTHONSAFEPATH = $env:PYTHONSAFEPATH
}
try {
    $env:PYTHONPATH = $code
    $env:PYTHONHOME = $null
    $env:PYTHONUTF8 = '1'
    $env:PYTHONSAFEPATH = '1'
    # In a remote session each line on standard error would end this script, with the work half done.
    $ErrorActionPreference = 'Continue'
    & $interpreter $arguments
    $ended = $LASTEXITCODE
}
finally {
    $ErrorActionPreference = 'Stop'
    $env:PYTHONPATH = $before.PYTHONPATH
    $env:PYTHONHOME = $before.PYTHONHOME
    $env:PYTHONUTF8 = $before.PYTHONUTF8
    $env:PYTHONSAFEPATH = $before.PYTHONSAFEPATH
}
exit $ended
