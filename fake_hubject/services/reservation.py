"""Reservation: start and stop, checked and forwarded like their remote counterparts."""

from fake_hubject.services import remote_requests
from oicp.services import RELEASE, RESERVE

OPERATIONS = {
    RESERVE: remote_requests.from_emp,
    RELEASE: remote_requests.from_emp,
}
