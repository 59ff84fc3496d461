package seal_test

// frozenSealed is "oksana@example.com" under testCipher at address, as the first version wrote it.
const frozenSealed = "010190000000007000800000000000000302faeefd620839cc795e220f" +
	"da9bf92f9441de361f4b4f7ee03255d7b871e1d3dc4e5d5d43ea97f0aabc31ca257898ad131fb70fd6d90bec21141781"
