"""Trees grown: survival trees and boosted trees, compiled."""
