"""Every permission that a role has is used, and every call that is made is granted."""
