"""File contracts on the ground, which every program may read: state files, notices, kill switch, account lock."""
