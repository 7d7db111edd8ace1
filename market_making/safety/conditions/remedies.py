"""What several remedies say alike."""

START_BOT = "`freqtrade trade` and the options it was started with"
SET_CLOCK = (
    "Set this machine's clock with `sudo chronyc makestep`, or let it be set with `sudo timedatectl set-ntp true`."
)
SEE_DISK = (
    "Look with `df -h user_data` whether the disk is full, and with `ls -ld user_data` whether this user may write."
)
